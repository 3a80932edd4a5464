#include "tl/run/evaluate.h"

#include "tl/data/loader.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/softmax.h>

namespace tl {

std::vector<Prediction> classify(const Classifier& classifier, const Dataset& dataset,
                                 const std::vector<std::size_t>& samples,
                                 const ClassifyOptions& options, const Progress& progress) {
  Loader loader(dataset, samples, options.batch_size, {options.input, nullptr, 0, 0},
                options.workers);
  std::vector<Prediction> predictions;
  predictions.reserve(samples.size());
  while (auto batch = loader.next()) {
    const at::Tensor images = at::from_blob(
        batch->pixels.data(), {batch->count, batch->height, batch->width, 3}, at::kByte);
    const at::Tensor probabilities =
        at::softmax(classifier.logits(images), 1).to(at::kCPU, at::kFloat).contiguous();
    const auto classes = probabilities.size(1);
    for (int i = 0; i < batch->count; ++i) {
      const Sample& sample = dataset.samples[batch->samples[static_cast<std::size_t>(i)]];
      const float* row = probabilities.const_data_ptr<float>() + i * classes;
      predictions.push_back({sample.path, sample.label, {row, row + classes}});
    }
    if (progress) progress(predictions.size(), samples.size());
  }
  return predictions;
}

}  // namespace tl
