// Features computed from images, and the order of an epoch: what all sources share.
#pragma once

#include "tl/train/features.h"

namespace tl {

// How epoch `epoch` makes its images.
Transform transform_of(const SourceOptions& options, int epoch);

// The samples of an epoch in the order of training.
std::vector<std::size_t> epoch_order(const std::vector<std::size_t>& samples,
                                     const SourceOptions& options, int epoch);
std::size_t batches_of(std::size_t samples, const SourceOptions& options);

struct MadeFeatures {
  at::Tensor features;
  std::vector<std::size_t> samples;  // of its rows
};

// Hands out the features of `order` in batches of `batch`; images are decoded ahead on threads of
// their own.
class FeatureMaker {
 public:
  FeatureMaker(const ImageFeatures& of, std::vector<std::size_t> order, int batch,
               const Transform& transform, int workers)
      : prefix_(of.prefix), loader_(of.dataset, std::move(order), batch, transform, workers) {
    prefix_.prepare();  // while the first images are decoded
  }

  std::optional<MadeFeatures> next();

 private:
  const Prefix& prefix_;
  Loader loader_;
};

}  // namespace tl
