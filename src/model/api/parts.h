// The parts of a network that run without gradients, from the images on: flat graphs that share the
// network's tensors.
#pragma once

#include "model/api/flat_graph.h"
#include "tl/model/model.h"

#include <cstdint>
#include <vector>

namespace tl {

struct FrozenPrefix {
  FlatGraph flat;
  bool empty;                       // nothing is frozen in front of a cut: the images themselves
  std::vector<std::int64_t> sizes;  // of its output for one image, without the batch
};

// Up to the last cut that stands before training begins.
FrozenPrefix frozen_prefix(const Model& model);

// The whole network, up to its logits, N x C: also where it gives probabilities. One output becomes
// two, for no and yes.
FlatGraph up_to_logits(const Model& model);

}  // namespace tl
