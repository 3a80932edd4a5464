#include "tl/run/classify.h"

#include "tl/base/error.h"
#include "tl/data/loader.h"
#include "tl/train/features.h"

#include <algorithm>
#include <cmath>

namespace tl {

namespace {

// One NaN would make a class of any image, and nobody would see it.
void check_finite(const Prediction& prediction) {
  const auto& p = prediction.probabilities;
  if (std::all_of(p.begin(), p.end(), [](float x) { return std::isfinite(x); })) return;
  throw Error(ExitCode::model, "the model gives a probability that is not finite", prediction.path,
              "its weights may hold NaN or infinity; train again with a smaller learning rate");
}

// Appends the predictions of the next samples of the order.
void append(std::vector<Prediction>& predictions, const at::Tensor& logits,
            const Objective& objective, const Dataset& dataset,
            const std::vector<std::size_t>& samples) {
  const at::Tensor rows = objective.probabilities(logits).to(at::kCPU, at::kFloat).contiguous();
  const auto classes = rows.size(1);
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const std::size_t index = samples[predictions.size()];
    const Sample& sample = dataset.samples[index];
    const float* row = rows.const_data_ptr<float>() + i * classes;
    Prediction prediction{sample.path, sample.label, {row, row + classes}};
    check_finite(prediction);
    if (sample.label >= 0) {
      const at::Tensor target = objective.targets({index}).to(logits.device());
      prediction.nll = objective.plain_loss(logits.narrow(0, i, 1), target);
    }
    predictions.push_back(std::move(prediction));
  }
}

}  // namespace

std::vector<Prediction> classify(const Classifier& classifier, const Objective& objective,
                                 const Dataset& dataset, const std::vector<std::size_t>& samples,
                                 const ClassifyOptions& options, const Progress& progress) {
  Loader loader(dataset, samples, options.batch_size, {options.input}, options.workers);
  std::vector<Prediction> predictions;
  predictions.reserve(samples.size());
  while (auto batch = loader.next()) {
    append(predictions, classifier.logits(images_of(*batch)), objective, dataset, samples);
    if (progress) progress(predictions.size(), samples.size());
  }
  return predictions;
}

std::optional<std::vector<Prediction>> classify(FeatureSource& features, const Trainee& trainee,
                                                const Objective& objective, const Dataset& dataset,
                                                const std::vector<std::size_t>& samples,
                                                const std::function<bool()>& stop_requested) {
  std::vector<Prediction> predictions;
  predictions.reserve(samples.size());
  features.begin(1, 0);
  while (!stop_requested || !stop_requested()) {
    const auto batch = features.next();
    if (!batch) return predictions;
    append(predictions, trainee.logits(batch->features, false), objective, dataset, samples);
  }
  return std::nullopt;
}

}  // namespace tl
