// Runs single nodes and whole graphs.
#pragma once

#include <ATen/core/stack.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <memory>
#include <vector>

namespace tl {

// The values of the node's outputs for the given values of its inputs.
torch::jit::Stack evaluate(torch::jit::Node* node, torch::jit::Stack inputs);

// A graph made ready to run; autograd flows through it. Safe to use from several threads.
class Executable {
 public:
  explicit Executable(const std::shared_ptr<torch::jit::Graph>& graph);
  torch::jit::Stack run(torch::jit::Stack inputs) const;

 private:
  torch::jit::Code code_;
};

// "aten::conv2d in Net.layer1.conv1 (file.py:12)", for errors; the module path and the source line
// are left out where the file does not keep them.
std::string describe(const torch::jit::Node* node);

}  // namespace tl
