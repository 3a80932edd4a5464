#include "model/fold_norms.h"

#include "model/kinds.h"

#include <torch/csrc/jit/ir/constants.h>

namespace tl {
namespace {

namespace aten = c10::aten;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

bool is_none(const Value* value) {
  return value->type()->kind() == c10::TypeKind::NoneType;
}

// Dimensions of a convolution's weight; 0 where it is no tensor of the network.
std::int64_t weight_dimensions(const FlatGraph& flat, const Node* convolution) {
  const Value* weight = convolution->input(1);
  if (weight->node()->kind() != torch::jit::prim::Param || weight->offset() == 0) return 0;
  return flat.tensors.at(weight->offset() - 1).tensor.dim();
}

bool can_fold(const FlatGraph& flat, const Node* norm) {
  if (!is_batch_norm(norm)) return false;
  const Node* convolution = norm->input(0)->node();
  const auto training = torch::jit::toIValue(norm->input(batch_norm::training));
  return is_convolution(convolution) && !is_transposed_convolution(convolution) &&
         weight_dimensions(flat, convolution) > 0 && norm->input(0)->uses().size() == 1 &&
         training && !training->toBool() && !is_none(norm->input(batch_norm::running_mean));
}

void fold(FlatGraph& flat, Node* norm) {
  Graph& graph = *flat.graph;
  Node* convolution = norm->input(0)->node();
  const std::int64_t dimensions = weight_dimensions(flat, convolution);
  convolution->moveBefore(norm);  // behind the norm's tensors and numbers
  const torch::jit::WithInsertPoint here(convolution);
  Value* scale =
      graph.insert(aten::rsqrt, {graph.insert(aten::add, {norm->input(batch_norm::running_variance),
                                                          norm->input(batch_norm::epsilon)})});
  if (!is_none(norm->input(batch_norm::weight))) {
    scale = graph.insert(aten::mul, {scale, norm->input(batch_norm::weight)});
  }
  Value* shift = graph.insert(
      aten::neg, {graph.insert(aten::mul, {norm->input(batch_norm::running_mean), scale})});
  for (Value* bias : {convolution->input(2), norm->input(batch_norm::bias)}) {
    if (is_none(bias)) continue;
    const bool of_norm = bias == norm->input(batch_norm::bias);
    shift =
        graph.insert(aten::add, {shift, of_norm ? bias : graph.insert(aten::mul, {bias, scale})});
  }
  std::vector<std::int64_t> shape(static_cast<std::size_t>(dimensions), 1);
  shape[0] = -1;
  Value* column = graph.insert(aten::view, {scale, c10::IValue(shape)});
  convolution->replaceInput(1, graph.insert(aten::mul, {convolution->input(1), column}));
  convolution->replaceInput(2, shift);
  norm->output()->replaceAllUsesWith(convolution->output());
}

}  // namespace

void fold_norms(FlatGraph& flat) {
  for (auto it = flat.graph->nodes().begin(); it != flat.graph->nodes().end();) {
    Node* node = *it++;
    if (!can_fold(flat, node)) continue;
    fold(flat, node);
    node->destroy();
  }
}

}  // namespace tl
