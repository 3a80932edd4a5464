// A network, or a slice of one, as a flat graph and the tensors that it computes with.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <string>
#include <vector>

namespace tl {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  bool parameter = false;  // else a buffer
  bool head = false;       // of the head that we attached
  bool frozen = false;
  bool fixed = false;  // a parameter that the file itself does not train

  bool trains() const { return parameter && !frozen && !fixed; }
};

// A graph without control flow, mutation or calls. Its inputs are the images (normalised, float,
// N x 3 x H x W), or in a slice what stands for the value that it begins with, and then one value
// for each entry of `tensors`; its output is one tensor.
struct FlatGraph {
  std::shared_ptr<torch::jit::Graph> graph;
  std::vector<NamedTensor> tensors;
  torch::jit::Node* head = nullptr;  // the first node that belongs to the attached head's layers

  torch::jit::Value* images() const { return graph->inputs()[0]; }
  torch::jit::Value* output() const { return graph->outputs()[0]; }
};

// Whether an LSTM, a GRU or an RNN is in it.
bool has_recurrent_layer(const FlatGraph& flat);

}  // namespace tl
