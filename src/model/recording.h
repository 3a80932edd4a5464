// Shapes, types and numbers of a flat graph, seen by running it.
#pragma once

#include "model/lower.h"
#include "model/network.h"

namespace tl {

// Runs the graph on both batches without gradients. `outputs`, if not null, receives its results.
Recording record(const FlatGraph& flat, const ExampleImages& images, ExampleImages* outputs);

// Adds the graph's tensors and what stands behind `from`, a float tensor, to a recording that knows
// the rest: sizes follow from sizes, so nothing in front of it is computed.
void record_behind(const FlatGraph& flat, torch::jit::Value* from, Recording& recording);

}  // namespace tl
