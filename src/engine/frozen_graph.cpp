#include "engine/frozen_graph.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

namespace tl {

std::shared_ptr<torch::jit::Graph> frozen_graph(const FlatGraph& slice) {
  auto graph = slice.graph->copy();
  const torch::jit::WithInsertPoint here(*graph->nodes().begin());
  for (std::size_t i = slice.tensors.size(); i > 0; --i) {
    const at::Tensor weights = slice.tensors[i - 1].tensor.detach();
    graph->inputs()[i]->replaceAllUsesWith(graph->insertConstant(weights));
    graph->eraseInput(i);
  }
  torch::jit::ConstantPropagation(graph);
  torch::jit::EliminateDeadCode(graph);
  return graph;
}

}  // namespace tl
