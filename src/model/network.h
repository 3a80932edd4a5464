// The flat graph behind a Model, and what is known of it. For this room alone: what others use is
// in model/api.
#pragma once

#include "model/api/flat_graph.h"
#include "tl/model/model.h"

#include <torch/csrc/jit/api/compilation_unit.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace tl {

// "backbone.layer1.0.conv1.weight" or "head.0.weight": the name in a model.pt and a checkpoint.
std::string qualified_name(const NamedTensor& named);

// That of the first; the CPU where there is none.
c10::Device device_of(const std::vector<NamedTensor>& tensors);

// What stands for a value in the graph of the training mode: where a cut begins, as it is made
// there, and where one ends, as the operations behind it get it, since training may change it in
// between.
struct Twin {
  torch::jit::Value* made = nullptr;
  torch::jit::Value* seen = nullptr;
};

// Shapes, types and numbers seen while the graph was made on two batches of different size: they
// tell what follows the batch and what is constant.
struct Recording {
  static constexpr int batches[2] = {2, 3};
  std::unordered_map<const torch::jit::Value*, c10::ScalarType> types;                 // tensors
  std::unordered_map<const torch::jit::Value*, std::vector<std::int64_t>> sizes[2];    // tensors
  std::unordered_map<const torch::jit::Value*, std::vector<std::int64_t>> numbers[2];  // int, int[]
  // Where the training mode has a graph of its own.
  std::unordered_map<const torch::jit::Value*, Twin> in_training;
};

// What the columns of a network's output are.
enum class Meaning { logits, probabilities, sigmoids };

// A place where `value` is the only tensor that is alive and depends on the images:
// nodes up to and with position - 1 stand before it.
struct Cut {
  torch::jit::Value* value;
  std::size_t position;
};

// A Layer together with its place in the graph.
struct PlacedLayer {
  Layer layer;
  std::size_t first;  // positions of its first and last node
  std::size_t last;
  torch::jit::Value* input;
  torch::jit::Value* output;
  std::vector<std::size_t> tensors;  // indices into FlatGraph::tensors
};

struct Analysis {
  std::vector<torch::jit::Node*> nodes;  // that depend on the images, in execution order
  std::unordered_map<const torch::jit::Node*, std::size_t> position;
  Recording recording;
  std::vector<PlacedLayer> layers;
  std::vector<Cut> cuts;  // in order; the first is the images themselves
};

// The forward in training mode. Its tensors are those of the Network by name.
struct TrainingForm {
  FlatGraph flat;
  Analysis analysis;
};

// The graph in use, what is known of it, and the choice of what is frozen.
struct Network {
  std::shared_ptr<torch::jit::CompilationUnit> code;  // nodes point into it for error messages
  FlatGraph flat;
  Analysis analysis;
  std::vector<Layer> layers;  // of the backbone
  std::vector<HeadInput> head_inputs;
  Meaning output = Meaning::logits;
  std::shared_ptr<const TrainingForm> training;  // where it is another one
  int frozen_layers = 0;
};

const Network& network_of(const Model& model);

}  // namespace tl
