// Single nodes of a graph: what they compute, and how errors name them.
#pragma once

#include <ATen/core/stack.h>
#include <torch/csrc/jit/ir/ir.h>

#include <string>

namespace tl {

// The values of the node's outputs for the given values of its inputs.
torch::jit::Stack run_node(torch::jit::Node* node, torch::jit::Stack inputs);

// "aten::conv2d in Net.layer1.conv1 (file.py:12)", for errors; the module path and the source line
// are left out where the file does not keep them.
std::string describe(const torch::jit::Node* node);

}  // namespace tl
