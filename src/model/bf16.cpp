#include "model/bf16.h"

#include "model/kinds.h"

#include <map>
#include <utility>
#include <vector>

namespace tl {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

namespace {

// Of a heavy operation, the operands that have to be of one type. A mask of attention is none.
std::vector<std::size_t> operands(const Node* node) {
  static const auto depthwise = c10::Symbol::fromQualString("tl::depthwise_conv2d");
  if (node->kind() == c10::aten::scaled_dot_product_attention) return {0, 1, 2};
  const bool heavy = is_convolution(node) || is_linear(node) || node->kind() == depthwise ||
                     node->kind() == c10::aten::baddbmm;
  std::vector<std::size_t> all;
  for (std::size_t i = 0; heavy && i < node->inputs().size(); ++i) {
    if (node->input(i)->type()->isSubtypeOf(*c10::TensorType::get())) all.push_back(i);
  }
  return all;
}

// Some of these refuse an input of another type than their weights, on a GPU all of them.
bool wants_fp32(const Node* node) {
  const auto kind = node->kind();
  return kind == c10::aten::layer_norm || kind == c10::aten::group_norm ||
         kind == c10::aten::instance_norm || kind == c10::aten::prelu;
}

// Puts casts in front of operations, one for each value and type.
class Caster {
 public:
  explicit Caster(Graph& graph) : graph_(graph) {}

  Value* cast(Value* value, at::ScalarType type, Node* before) {
    const torch::jit::WithInsertPoint here(before);
    Value*& copy = made_[{value, type}];
    if (copy == nullptr) {
      copy = graph_.insert(c10::aten::to, {value, static_cast<std::int64_t>(type),
                                           /*non_blocking=*/false, /*copy=*/false});
    }
    return copy;
  }

  void cast_input(Node* node, std::size_t input, at::ScalarType type) {
    node->replaceInput(input, cast(node->input(input), type, node));
  }

  // The operands are in a list, which others may use too.
  void cast_list(Node* node, std::size_t input, at::ScalarType type) {
    std::vector<Value*> elements;
    for (Value* element : node->input(input)->node()->inputs())
      elements.push_back(cast(element, type, node));
    Node* list = graph_.createList(c10::TensorType::get(), elements)->insertBefore(node);
    node->replaceInput(input, list->output());
  }

 private:
  Graph& graph_;
  std::map<std::pair<Value*, at::ScalarType>, Value*> made_;
};

}  // namespace

void compute_in_bf16(Graph& graph) {
  Caster caster(graph);
  for (Node* node : graph.nodes()) {
    for (const std::size_t input : operands(node))
      caster.cast_input(node, input, at::kBFloat16);
    if (wants_fp32(node)) caster.cast_input(node, 0, at::kFloat);
    if (node->kind() == c10::aten::einsum) caster.cast_list(node, 1, at::kBFloat16);
  }
}

}  // namespace tl
