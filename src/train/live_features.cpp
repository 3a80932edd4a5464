#include "tl/train/features.h"
#include "train/feature_maker.h"

#include <algorithm>

namespace tl {
namespace {

// Several batches are computed in one call, so that a machine of many cores has enough to do. An
// engine's last bits may depend on how many images a call has, so an epoch has the same calls
// wherever it begins: within a call, that is made whole and the batches in front are passed over.
class LiveFeatures : public FeatureSource {
 public:
  LiveFeatures(ImageFeatures of, const SourceOptions& options)
      : of_(std::move(of)),
        options_(options),
        batch_size_(static_cast<std::size_t>(options.batch_size)),
        batches_per_call_(batches_per_call()) {}

  std::size_t batches() const override { return batches_of(of_.samples.size(), options_); }

  void begin(int epoch, std::size_t first) override {
    const std::size_t passed_over = first % batches_per_call_;
    auto order = epoch_order(of_.samples, options_, epoch);
    const std::size_t done = std::min(order.size(), (first - passed_over) * batch_size_);
    order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(done));
    maker_.emplace(of_, std::move(order), static_cast<int>(batches_per_call_ * batch_size_),
                   transform_of(options_, epoch), options_.workers);
    made_.reset();
    for (std::size_t i = 0; i < passed_over; ++i)
      next();
  }

  std::optional<FeatureBatch> next() override {
    if (!made_ || rows_given_ == made_->features.size(0)) {
      made_ = maker_->next();
      rows_given_ = 0;
      if (!made_) return std::nullopt;
      targets_ = of_.objective.targets(made_->samples).to(made_->features.device());
    }
    const std::int64_t first = rows_given_;
    const std::int64_t rows =
        std::min<std::int64_t>(options_.batch_size, made_->features.size(0) - first);
    rows_given_ += rows;
    return FeatureBatch{made_->features.narrow(0, first, rows), targets_.narrow(0, first, rows)};
  }

 private:
  std::size_t batches_per_call() const {
    const auto images = static_cast<std::size_t>(preferred_batch(of_.prefix.device()));
    return (images + batch_size_ - 1) / batch_size_;
  }

  ImageFeatures of_;
  SourceOptions options_;
  std::size_t batch_size_;
  std::size_t batches_per_call_;
  std::optional<FeatureMaker> maker_;
  std::optional<MadeFeatures> made_;  // of the last call
  at::Tensor targets_;                // of made_
  std::int64_t rows_given_ = 0;       // of made_
};

}  // namespace

std::unique_ptr<FeatureSource> live_features(ImageFeatures of, const SourceOptions& options) {
  return std::make_unique<LiveFeatures>(std::move(of), options);
}

}  // namespace tl
