#include "tl/train/objective.h"

#include "train/softmax_objective.h"

namespace tl {

std::unique_ptr<Objective> make_objective(const LossOptions& options, const Dataset& dataset) {
  return softmax_objective(options, dataset);
}

}  // namespace tl
