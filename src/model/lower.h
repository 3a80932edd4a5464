// TorchScript to one flat graph.
#pragma once

#include "model/network.h"

#include <torch/csrc/jit/api/module.h>

#include <array>
#include <optional>
#include <set>
#include <utility>

namespace tl {

// Two batches of different size, normalised, float, N x 3 x H x W.
using ExampleImages = std::array<at::Tensor, 2>;

struct Lowered {
  FlatGraph flat;
  Recording recording;
  ExampleImages outputs;  // what its operations gave, one by one
  bool as_the_file_is;    // no mode or device was set otherwise than the file says
  // The forward in training mode, where it is another one beyond norms and dropout (`if
  // self.training:`, stochastic depth); `recording.in_training` leads from values to its values.
  std::optional<std::pair<FlatGraph, Recording>> training;
};

// Partially evaluates the module's forward in evaluation mode, also where a trace has fixed another
// one: calls are inlined, branches and loops
// resolved, attributes lifted to inputs, in-place operations replaced by their functional twins,
// and whatever is alike for both batches and depends on no weight computed once. Scripted and
// traced files become the same thing. Height and width are those of the images; the batch is free.
// `converted`: types that the module's weights were kept in; what the code converts to them becomes
// fp32 too.
// Throws Error(model) on what can't be lowered, with the operation and its place in the network.
Lowered lower(torch::jit::Module module, const ExampleImages& images,
              const std::set<at::ScalarType>& converted = {});

}  // namespace tl
