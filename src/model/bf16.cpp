#include "model/bf16.h"

#include "model/kinds.h"

#include <unordered_map>

namespace tl {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

namespace {

bool is_heavy(const Node* node) {
  static const auto depthwise = c10::Symbol::fromQualString("tl::depthwise_conv2d");
  return is_convolution(node) || is_linear(node) || node->kind() == depthwise ||
         node->kind() == c10::aten::scaled_dot_product_attention ||
         node->kind() == c10::aten::einsum || node->kind() == c10::aten::baddbmm;
}

}  // namespace

void compute_in_bf16(Graph& graph) {
  std::unordered_map<Value*, Value*> cast;
  for (Node* node : graph.nodes()) {
    if (!is_heavy(node)) continue;
    const torch::jit::WithInsertPoint here(node);
    for (std::size_t i = 0; i < node->inputs().size(); ++i) {
      Value* input = node->input(i);
      if (!input->type()->isSubtypeOf(*c10::TensorType::get())) continue;
      Value*& copy = cast[input];
      if (copy == nullptr) {
        copy = graph.insert(c10::aten::to, {input, static_cast<std::int64_t>(at::kBFloat16),
                                            /*non_blocking=*/false, /*copy=*/false});
      }
      node->replaceInput(i, copy);
    }
  }
}

}  // namespace tl
