// Runs graphs.
#pragma once

#include "model/api/flat_graph.h"

#include <ATen/core/stack.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <memory>
#include <vector>

namespace tl {

// A graph made ready to run; autograd flows through it. Safe to use from several threads.
class Executable {
 public:
  explicit Executable(const std::shared_ptr<torch::jit::Graph>& graph);
  torch::jit::Stack run(torch::jit::Stack inputs) const;

 private:
  torch::jit::Code code_;
};

// The same for a flat graph, whose tensors it brings along.
class Piece {
 public:
  explicit Piece(FlatGraph flat);

  // x: what the flat graph's first input stands for.
  at::Tensor run(const at::Tensor& x) const;
  const std::vector<NamedTensor>& tensors() const { return flat_.tensors; }

 private:
  FlatGraph flat_;
  Executable executable_;
};

}  // namespace tl
