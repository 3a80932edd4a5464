#include "model/depthwise.h"

#include "model/depthwise_kernel.h"
#include "model/kinds.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/library.h>

namespace tl {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using torch::jit::Node;
using torch::jit::Value;

DepthwiseShape shape_of(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& output,
                        at::IntArrayRef stride, at::IntArrayRef padding) {
  return {input.size(0),  input.size(1),  input.size(2),  input.size(3),
          output.size(2), output.size(3), weight.size(2), weight.size(3),
          stride[0],      stride[1],      padding[0],     padding[1]};
}

template <typename T>
variable_list gradients(const DepthwiseShape& shape, const at::Tensor& grad,
                        const at::Tensor& input, const at::Tensor& weight) {
  const at::Tensor taps = weight.to(at::kFloat).squeeze(1).permute({1, 2, 0}).contiguous();
  at::Tensor input_grad = at::empty_like(input);
  at::Tensor weight_grad = at::empty_like(taps);
  depthwise_gradients(shape, grad.const_data_ptr<T>(), input.const_data_ptr<T>(),
                      taps.const_data_ptr<float>(), input_grad.mutable_data_ptr<T>(),
                      weight_grad.mutable_data_ptr<float>());
  return {input_grad, weight_grad.permute({2, 0, 1}).unsqueeze(1).to(weight.scalar_type())};
}

class DepthwiseConvolution : public torch::autograd::Function<DepthwiseConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            at::IntArrayRef stride, at::IntArrayRef padding) {
    const at::Tensor x = input.contiguous(at::MemoryFormat::ChannelsLast);
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride.vec();
    context->saved_data["padding"] = padding.vec();
    context->saved_data["bias"] = bias.has_value();
    const at::NoGradGuard no_grad;
    return at::conv2d(x, weight, bias, stride, padding, /*dilation=*/{1, 1}, x.size(1));
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& input = saved[0];
    const at::Tensor grad = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
    const DepthwiseShape shape =
        shape_of(input, saved[1], grad, context->saved_data["stride"].toIntVector(),
                 context->saved_data["padding"].toIntVector());
    variable_list result = input.scalar_type() == at::kBFloat16
                               ? gradients<c10::BFloat16>(shape, grad, input, saved[1])
                               : gradients<float>(shape, grad, input, saved[1]);
    result.push_back(context->saved_data["bias"].toBool() ? grad.sum({0, 2, 3}) : at::Tensor());
    result.resize(5);  // stride and padding have none
    return result;
  }
};

at::Tensor depthwise_conv2d(const at::Tensor& input, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                            at::IntArrayRef padding) {
  return DepthwiseConvolution::apply(input, weight, bias, stride, padding);
}

TORCH_LIBRARY(tl, library) {
  library.def(
      "depthwise_conv2d(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding) "
      "-> Tensor",
      depthwise_conv2d);
}

// Stride, padding, dilation: pairs of numbers, known before the network runs.
std::optional<std::vector<std::int64_t>> pair(const Value* value) {
  const auto constant = torch::jit::toIValue(value);
  if (constant && constant->isIntList() && constant->toIntVector().size() == 2) {
    return constant->toIntVector();
  }
  const Node* list = value->node();
  if (!is_container(list) || list->inputs().size() != 2) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const Value* input : list->inputs()) {
    const auto number = torch::jit::toIValue(input);
    if (!number || !number->isInt()) return std::nullopt;
    numbers.push_back(number->toInt());
  }
  return numbers;
}

// The weight as the network holds it; none where it is computed in another way than by folding.
const NamedTensor* weight_of(const FlatGraph& flat, const Value* value) {
  if (value->node()->kind() == c10::aten::mul) value = value->node()->input(0);
  if (value->node()->kind() != torch::jit::prim::Param || value->offset() == 0) return nullptr;
  return &flat.tensors.at(value->offset() - 1);
}

bool is_depthwise(const FlatGraph& flat, const Node* node) {
  const std::string kind = node->kind().toUnqualString();
  const bool plain = kind == "conv2d";
  if (!plain && kind != "_convolution") return false;
  const NamedTensor* weight = weight_of(flat, node->input(1));
  const auto groups = torch::jit::toIValue(node->input(plain ? 6 : 8));
  if (weight == nullptr || !weight->tensor.device().is_cpu() || weight->tensor.dim() != 4 ||
      weight->tensor.size(1) != 1 || !groups || !groups->isInt() ||
      groups->toInt() != weight->tensor.size(0)) {
    return false;
  }
  const auto transposed = plain ? std::nullopt : torch::jit::toIValue(node->input(6));
  return (plain || (transposed && !transposed->toBool())) && pair(node->input(3)) &&
         pair(node->input(4)) && pair(node->input(5)) == std::vector<std::int64_t>{1, 1};
}

}  // namespace

void speed_up_depthwise(FlatGraph& flat) {
  for (auto it = flat.graph->nodes().begin(); it != flat.graph->nodes().end();) {
    Node* node = *it++;
    if (!is_depthwise(flat, node)) continue;
    static const auto kind = c10::Symbol::fromQualString("tl::depthwise_conv2d");
    Node* fast = flat.graph->create(kind, node->inputs().slice(0, 5));
    fast->insertBefore(node);
    fast->output()->setType(node->output()->type());
    node->output()->replaceAllUsesWith(fast->output());
    node->destroy();
  }
}

}  // namespace tl
