// Where training gets its batches from.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace tl {

struct FeatureBatch {
  at::Tensor features;  // N rows, as Prefix gives them, on its device
  at::Tensor targets;   // N rows, as Objective has them, on the same device
};

class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  virtual std::size_t batches() const = 0;
  // Starts epoch `epoch` (from 1) at batch `first`: what it hands out does not depend on what was
  // asked before.
  virtual void begin(int epoch, std::size_t first) = 0;
  // The next batch, or none at the end of the epoch.
  virtual std::optional<FeatureBatch> next() = 0;
};

}  // namespace tl
