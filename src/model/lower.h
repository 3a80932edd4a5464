// TorchScript to one flat graph.
#pragma once

#include "model/network.h"

#include <torch/csrc/jit/api/module.h>

#include <array>

namespace tl {

// Two batches of different size, normalised, float, N x 3 x H x W.
using ExampleImages = std::array<at::Tensor, 2>;

struct Lowered {
  FlatGraph flat;
  Recording recording;
  ExampleImages outputs;  // what the module itself gave
};

// Partially evaluates the module's forward (in eval mode): calls are inlined, branches and loops
// resolved, attributes lifted to inputs, in-place operations replaced by their functional twins,
// and whatever is alike for both batches and depends on no weight computed once. Scripted and
// traced files become the same thing. Height and width are those of the images; the batch is free.
// Throws Error(model) on what can't be lowered, with the operation and its place in the network.
Lowered lower(const torch::jit::Module& module, const ExampleImages& images);

}  // namespace tl
