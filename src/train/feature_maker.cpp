#include "train/feature_maker.h"

#include "tl/base/random.h"

#include <ATen/ops/from_blob.h>

namespace tl {
namespace {

constexpr std::uint64_t order_key = 0x6f72646572;  // "order": apart from the images' own choices

// Batch-norm can't learn from a batch of one image.
std::size_t used(std::size_t samples, const SourceOptions& options) {
  const bool lone = samples > 1 && options.batch_size > 1 &&
                    samples % static_cast<std::size_t>(options.batch_size) == 1;
  return options.shuffle && lone ? samples - 1 : samples;
}

}  // namespace

at::Tensor images_of(Batch& batch) {
  return at::from_blob(batch.pixels.data(), {batch.count, batch.height, batch.width, 3}, at::kByte);
}

Transform transform_of(const SourceOptions& options, int epoch) {
  Transform transform = options.transform;
  if (transform.augment != nullptr) {
    const auto number = static_cast<std::uint64_t>(epoch);
    transform.epoch = options.views ? number % static_cast<std::uint64_t>(*options.views) : number;
  }
  return transform;
}

std::vector<std::size_t> epoch_order(const std::vector<std::size_t>& samples,
                                     const SourceOptions& options, int epoch) {
  std::vector<std::size_t> order = samples;
  if (options.shuffle) {
    Random({options.transform.seed, static_cast<std::uint64_t>(epoch), order_key}).shuffle(order);
  }
  order.resize(used(samples.size(), options));
  return order;
}

std::size_t batches_of(std::size_t samples, const SourceOptions& options) {
  const auto size = static_cast<std::size_t>(options.batch_size);
  return (used(samples, options) + size - 1) / size;
}

std::optional<MadeFeatures> FeatureMaker::next() {
  std::optional<Batch> batch = loader_.next();
  if (!batch) return std::nullopt;
  return MadeFeatures{prefix_.features(images_of(*batch)), std::move(batch->samples)};
}

}  // namespace tl
