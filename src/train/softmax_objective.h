// One class an image: softmax and cross-entropy.
#pragma once

#include "tl/train/objective.h"

namespace tl {

// The weight of each class in the loss; empty: all alike. Throws Error(usage) on a wrong count.
std::vector<double> class_weights(const LossOptions& options, const Dataset& dataset);

// Targets are class numbers, int64.
std::unique_ptr<Objective> softmax_objective(const LossOptions& options, const Dataset& dataset);

}  // namespace tl
