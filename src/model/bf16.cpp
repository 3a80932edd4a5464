#include "model/bf16.h"

#include "model/api/execute.h"
#include "model/explain.h"
#include "model/kinds.h"
#include "model/node.h"
#include "tl/base/error.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace tl {

using c10::IValue;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::Value;

namespace {

std::vector<std::size_t> tensor_inputs(const Node* node) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < node->inputs().size(); ++i) {
    if (is_tensor(node->input(i))) all.push_back(i);
  }
  return all;
}

// Of a heavy operation, the operands that have to be of one type. A mask of attention is none.
std::vector<std::size_t> operands(const Node* node) {
  static const auto depthwise = c10::Symbol::fromQualString("tl::depthwise_conv2d");
  if (node->kind() == c10::aten::scaled_dot_product_attention) return {0, 1, 2};
  const bool heavy = is_convolution(node) || is_linear(node) || node->kind() == depthwise ||
                     node->kind() == c10::aten::baddbmm || node->kind() == c10::aten::tensordot;
  return heavy ? tensor_inputs(node) : std::vector<std::size_t>{};
}

// Some of these refuse an input of another type than their weights, on a GPU all of them; LSTMs at
// some sizes alone.
bool wants_fp32(const Node* node) {
  const auto kind = node->kind();
  return is_recurrent(node) || kind == c10::aten::layer_norm || kind == c10::aten::group_norm ||
         kind == c10::aten::instance_norm || kind == c10::aten::prelu;
}

// Puts casts in front of operations, one for each value and type.
class Caster {
 public:
  explicit Caster(Graph& graph) : graph_(graph) {}

  Value* cast(Value* value, at::ScalarType type, Node* before) {
    const torch::jit::WithInsertPoint here(before);
    Value*& copy = made_[{value, type}];
    if (copy != nullptr && copy->node()->isAfter(before)) copy->node()->moveBefore(before);
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

void cast_heavy_operations(Graph& graph, Caster& caster) {
  for (Node* node : graph.nodes()) {
    for (const std::size_t input : operands(node))
      caster.cast_input(node, input, at::kBFloat16);
    if (wants_fp32(node)) caster.cast_input(node, 0, at::kFloat);
    if (node->kind() == c10::aten::einsum) caster.cast_list(node, 1, at::kBFloat16);
  }
}

// Running statistics of their own, so that the trial moves none.
FlatGraph for_trial(const FlatGraph& flat) {
  FlatGraph trial = flat;
  for (NamedTensor& named : trial.tensors) {
    const bool trains = named.trains();
    named.tensor = named.parameter ? named.tensor.detach() : named.tensor.detach().clone();
    named.tensor.set_requires_grad(trains);
  }
  return trial;
}

// Runs the graph node after node, and gives fp32 to those that refuse bf16.
class Trial {
 public:
  Trial(const FlatGraph& flat, Caster& caster) : flat_(for_trial(flat)), caster_(caster) {}

  void run(const at::Tensor& features) {
    const at::NoGradGuard no_grad;
    values_[flat_.images()] = features;
    for (std::size_t i = 0; i < flat_.tensors.size(); ++i)
      values_[flat_.graph->inputs()[i + 1]] = flat_.tensors[i].tensor;
    for (auto it = flat_.graph->nodes().begin(); it != flat_.graph->nodes().end(); ++it)
      step(*it);
  }

  std::vector<std::string> in_fp32;  // what refused bf16

 private:
  void step(Node* node) {
    try {
      if (spans_volume(node) && give_fp32(node)) {
        in_fp32.push_back(describe(node));
      } else {
        compute(node);
      }
    } catch (const std::exception& error) {
      if (is_out_of_memory(error) || !give_fp32(node)) throw;
      in_fp32.push_back(describe(node));
    }
  }

  void compute(Node* node) {
    Stack inputs;
    for (const Value* input : node->inputs())
      inputs.push_back(values_.at(input));
    const Stack outputs = run_node(node, std::move(inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      values_[node->outputs()[i]] = outputs[i];
  }

  // A convolution in three dimensions: in bf16 on a CPU, LibTorch 2.13 gives gradients that are no
  // numbers where the kernel is larger than what it slides over.
  bool spans_volume(const Node* node) const {
    return is_convolution(node) && values_.at(node->input(1)).toTensor().dim() == 5;
  }

  // Computes it with all that is bf16 in fp32; false where nothing was.
  bool give_fp32(Node* node) {
    bool any = false;
    for (std::size_t i = 0; i < node->inputs().size(); ++i) {
      const IValue& value = values_.at(node->input(i));
      if (value.isTensor() && value.toTensor().scalar_type() == at::kBFloat16) {
        caster_.cast_input(node, i, at::kFloat);
      } else if (value.isTensorList() && has_bf16(value)) {
        caster_.cast_list(node, i, at::kFloat);
        for (Value* element : node->input(i)->node()->inputs())
          keep_cast(element);
        compute(node->input(i)->node());
      } else {
        continue;
      }
      any = true;
      keep_cast(node->input(i));
    }
    if (any) compute(node);
    return any;
  }

  void keep_cast(Value* value) {
    if (values_.count(value) == 0 && value->node()->kind() == c10::aten::to) {
      values_[value] = values_.at(value->node()->input(0)).toTensor().to(at::kFloat);
    }
  }

  static bool has_bf16(const IValue& list) {
    const auto tensors = list.toTensorVector();
    return std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor& tensor) {
      return tensor.scalar_type() == at::kBFloat16;
    });
  }

  FlatGraph flat_;
  Caster& caster_;
  std::unordered_map<const Value*, IValue> values_;
};

}  // namespace

std::vector<std::string> compute_in_bf16(FlatGraph& flat, const at::Tensor& features,
                                         bool with_gradients) {
  const auto exact = flat.graph->copy();
  Caster caster(*flat.graph);
  cast_heavy_operations(*flat.graph, caster);
  try {
    Trial trial(flat, caster);
    trial.run(features);
    if (!with_gradients) return trial.in_fp32;
    const at::Tensor logits = Piece(for_trial(flat)).run(features);
    if (logits.requires_grad()) logits.sum().backward();
    return trial.in_fp32;
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) throw;
    flat.graph = exact;
    return {"all trained layers: " + cause_of(error)};
  }
}

}  // namespace tl
