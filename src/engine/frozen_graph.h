// A slice of a network with its weights as constants, as inference engines want it.
#pragma once

#include "model/api/flat_graph.h"

#include <memory>

namespace tl {

// Takes one float batch, N x 3 x H x W, normalised. The constants share the weights' memory.
std::shared_ptr<torch::jit::Graph> frozen_graph(const FlatGraph& slice);

}  // namespace tl
