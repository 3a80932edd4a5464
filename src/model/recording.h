// Shapes and numbers of a flat graph, seen by running it.
#pragma once

#include "model/lower.h"
#include "model/network.h"

namespace tl {

// Runs the graph on both batches without gradients. `outputs`, if not null, receives its results.
Recording record(const FlatGraph& flat, const ExampleImages& images, ExampleImages* outputs);

}  // namespace tl
