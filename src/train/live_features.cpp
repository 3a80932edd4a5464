#include "tl/train/features.h"
#include "train/feature_maker.h"

#include <ATen/ops/tensor.h>

#include <algorithm>

namespace tl {
namespace {

class LiveFeatures : public FeatureSource {
 public:
  LiveFeatures(const Dataset& dataset, std::vector<std::size_t> samples, const Prefix& prefix,
               const SourceOptions& options)
      : dataset_(dataset), samples_(std::move(samples)), prefix_(prefix), options_(options) {}

  std::size_t batches() const override { return batches_of(samples_.size(), options_); }

  // Each call computes the images that it computes in an epoch begun at its first batch: an
  // engine's last bits may depend on a batch's size.
  void begin(int epoch, std::size_t first) override {
    auto order = epoch_order(samples_, options_, epoch);
    const int images_a_call = options_.batch_size * batches_a_call();
    const std::size_t passed_over = first % static_cast<std::size_t>(batches_a_call());
    const auto done = std::min(
        order.size(), (first - passed_over) * static_cast<std::size_t>(options_.batch_size));
    order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(done));
    maker_.emplace(dataset_, prefix_, std::move(order), images_a_call,
                   transform_of(options_, epoch), options_.workers);
    made_.reset();
    for (std::size_t i = 0; i < passed_over; ++i)
      next();
  }

  std::optional<FeatureBatch> next() override {
    if (!made_ || at_ == std::ssize(made_->labels)) {
      made_ = maker_->next();
      at_ = 0;
      if (!made_) return std::nullopt;
      labels_ = at::tensor(made_->labels, at::kLong).to(made_->features.device());
    }
    const std::int64_t n =
        std::min<std::int64_t>(options_.batch_size, std::ssize(made_->labels) - at_);
    at_ += n;
    return FeatureBatch{made_->features.narrow(0, at_ - n, n), labels_.narrow(0, at_ - n, n)};
  }

 private:
  // Batches that are computed together, so that a machine of many cores has enough to do.
  int batches_a_call() const {
    return (preferred_batch(prefix_.device()) + options_.batch_size - 1) / options_.batch_size;
  }

  const Dataset& dataset_;
  std::vector<std::size_t> samples_;
  const Prefix& prefix_;
  SourceOptions options_;
  std::optional<FeatureMaker> maker_;
  std::optional<MadeFeatures> made_;
  at::Tensor labels_;
  std::int64_t at_ = 0;  // of made_: rows that were handed out
};

}  // namespace

std::unique_ptr<FeatureSource> live_features(const Dataset& dataset,
                                             std::vector<std::size_t> samples, const Prefix& prefix,
                                             const SourceOptions& options) {
  return std::make_unique<LiveFeatures>(dataset, std::move(samples), prefix, options);
}

}  // namespace tl
