#include "tl/base/random.h"
#include "tl/train/features.h"

#include <ATen/ops/from_blob.h>

#include <cstring>

namespace tl {
namespace {

// Keeps the batch's bytes alive as long as the tensor.
at::Tensor to_tensor(Batch& batch) {
  auto* pixels = new std::vector<std::uint8_t>(std::move(batch.pixels));
  return at::from_blob(
      pixels->data(), {batch.count, batch.height, batch.width, 3},
      [pixels](void*) { delete pixels; }, at::kByte);
}

class LiveFeatures : public FeatureSource {
 public:
  LiveFeatures(const Dataset& dataset, std::vector<std::size_t> samples, const Prefix& prefix,
               const SourceOptions& options)
      : dataset_(dataset), samples_(std::move(samples)), prefix_(prefix), options_(options) {}

  std::size_t batches() const override {
    const auto size = static_cast<std::size_t>(options_.batch_size);
    return (used() + size - 1) / size;
  }

  void begin(int epoch, std::size_t first) override {
    std::vector<std::size_t> order = samples_;
    Transform transform{options_.input, options_.augment, options_.seed, 0};
    if (options_.augment != nullptr) {
      const auto key = static_cast<std::uint64_t>(epoch);
      Random({options_.seed, key, hash_of_order}).shuffle(order);
      transform.epoch = options_.views ? key % static_cast<std::uint64_t>(*options_.views) : key;
    }
    order.resize(used());
    order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                   order.size(), first * options_.batch_size)));
    loader_ = std::make_unique<Loader>(dataset_, std::move(order), options_.batch_size, transform,
                                       options_.workers);
  }

  std::optional<FeatureBatch> next() override {
    std::optional<Batch> batch = loader_->next();
    if (!batch) return std::nullopt;
    const at::Tensor labels =
        at::from_blob(batch->labels.data(), {batch->count}, at::kLong).clone();
    const at::Tensor features = prefix_.features(to_tensor(*batch));
    return FeatureBatch{features, labels.to(features.device())};
  }

 private:
  static constexpr std::uint64_t hash_of_order = 0x6f72646572;  // "order"

  std::size_t used() const {
    const bool lone = samples_.size() > 1 && options_.batch_size > 1 &&
                      samples_.size() % static_cast<std::size_t>(options_.batch_size) == 1;
    return options_.augment != nullptr && lone ? samples_.size() - 1 : samples_.size();
  }

  const Dataset& dataset_;
  std::vector<std::size_t> samples_;
  const Prefix& prefix_;
  SourceOptions options_;
  std::unique_ptr<Loader> loader_;
};

}  // namespace

std::unique_ptr<FeatureSource> live_features(const Dataset& dataset,
                                             std::vector<std::size_t> samples, const Prefix& prefix,
                                             const SourceOptions& options) {
  return std::make_unique<LiveFeatures>(dataset, std::move(samples), prefix, options);
}

}  // namespace tl
