#include "model/kinds.h"

#include "model/api/flat_graph.h"

#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <set>
#include <string>

namespace tl {
namespace {

using Kinds = std::set<std::string>;

}  // namespace

bool is_one_of(const torch::jit::Node* node, const Kinds& kinds) {
  return kinds.count(node->kind().toQualString()) > 0;
}

bool is_convolution(const torch::jit::Node* node) {
  static const Kinds kinds = {
      "aten::conv1d",           "aten::conv2d",           "aten::conv3d",
      "aten::convolution",      "aten::conv_transpose1d", "aten::conv_transpose2d",
      "aten::conv_transpose3d", "aten::_convolution",     "aten::_convolution_mode"};
  return is_one_of(node, kinds);
}

bool is_transposed_convolution(const torch::jit::Node* node) {
  const std::string kind = node->kind().toUnqualString();
  if (kind.rfind("conv_transpose", 0) == 0) return true;
  if (kind != "_convolution" && kind != "convolution") return false;
  constexpr std::size_t transposed = 6;
  const auto value = torch::jit::toIValue(node->input(transposed));
  return !value || value->toBool();
}

bool is_linear(const torch::jit::Node* node) {
  static const Kinds kinds = {"aten::linear", "aten::addmm", "aten::matmul", "aten::mm",
                              "aten::bmm"};
  return is_one_of(node, kinds);
}

bool is_batch_norm(const torch::jit::Node* node) {
  return node->kind() == c10::Symbol::fromQualString("aten::batch_norm");
}

bool keeps_statistics(const torch::jit::Node* node) {
  static const Kinds kinds = {"aten::batch_norm", "aten::instance_norm"};
  return is_one_of(node, kinds);
}

bool is_dropout(const torch::jit::Node* node) {
  static const Kinds kinds = {"aten::dropout", "aten::feature_dropout", "aten::alpha_dropout",
                              "aten::feature_alpha_dropout"};
  return is_one_of(node, kinds);
}

bool is_norm_or_affine(const torch::jit::Node* node) {
  static const Kinds kinds = {"aten::batch_norm",    "aten::layer_norm", "aten::group_norm",
                              "aten::instance_norm", "aten::add",        "aten::mul",
                              "aten::sub",           "aten::div"};
  return is_one_of(node, kinds);
}

bool is_tensor(const torch::jit::Value* value) {
  return value->type()->isSubtypeOf(*c10::TensorType::get());
}

bool is_recurrent(const torch::jit::Node* node) {
  static const Kinds kinds = {"aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"};
  return is_one_of(node, kinds);
}

bool has_recurrent_layer(const FlatGraph& flat) {
  const auto nodes = flat.graph->nodes();
  return std::any_of(nodes.begin(), nodes.end(), is_recurrent);
}

bool is_view(const torch::jit::Node* node) {
  static const Kinds kinds = {"aten::permute",   "aten::transpose", "aten::flatten",
                              "aten::reshape",   "aten::view",      "aten::contiguous",
                              "aten::unflatten", "aten::squeeze",   "aten::unsqueeze"};
  return is_one_of(node, kinds);
}

bool is_container(const torch::jit::Node* node) {
  static const Kinds kinds = {"prim::ListConstruct", "prim::TupleConstruct"};
  return is_one_of(node, kinds);
}

bool looks_at_form_only(const torch::jit::Node* node) {
  static const Kinds kinds = {
      "aten::size",       "aten::len",       "aten::numel",     "aten::stride",
      "aten::dim",        "prim::dtype",     "prim::device",    "prim::shape",
      "prim::is_cuda",    "prim::is_mkldnn", "prim::is_nested", "prim::layout",
      "prim::isinstance", "aten::__is__",    "aten::__isnot__", "aten::is_floating_point",
      "aten::is_complex", "aten::sym_size",  "prim::is_sparse", "prim::is_quantized",
      "aten::new_zeros",  "aten::new_ones",  "aten::new_full",  "aten::new_empty",
      "aten::zeros_like", "aten::ones_like", "aten::full_like", "aten::empty_like"};
  return is_one_of(node, kinds);
}

}  // namespace tl
