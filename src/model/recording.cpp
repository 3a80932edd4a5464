#include "model/recording.h"

#include "model/node.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace tl {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::Value;

void record(Recording& recording, int which, const Value* value, const IValue& content) {
  if (content.isTensor() && content.toTensor().defined()) {
    recording.types[value] = content.toTensor().scalar_type();
    recording.sizes[which][value] = content.toTensor().sizes().vec();
  } else if (content.isInt()) {
    recording.numbers[which][value] = {content.toInt()};
  } else if (content.isIntList()) {
    recording.numbers[which][value] = content.toIntVector();
  }
}

void carry_over(const Recording& from, const Value* value, const Value* copy, Recording& to) {
  const auto carry = [&](const auto& known, auto& into) {
    if (const auto it = known.find(value); it != known.end()) into[copy] = it->second;
  };
  carry(from.types, to.types);
  carry(from.in_training, to.in_training);
  for (const int which : {0, 1}) {
    carry(from.sizes[which], to.sizes[which]);
    carry(from.numbers[which], to.numbers[which]);
  }
}

namespace {

// Runs node after node and forgets each value after its last use.
class Replay {
 public:
  Replay(const FlatGraph& flat, Recording& recording, int which)
      : flat_(flat), recording_(recording), which_(which) {}

  // What depends on no values but these, with zeros for each, and the tensors.
  void run(const std::vector<Value*>& given) {
    for (Value* value : given)
      keep(value, at::zeros(recording_.sizes[which_].at(value), recording_.types.at(value)));
    for (std::size_t i = 0; i < flat_.tensors.size(); ++i) {
      keep(flat_.graph->inputs()[i + 1], flat_.tensors[i].tensor);
    }
    for (Node* node : flat_.graph->nodes()) {
      if (!is_recorded(node) && is_known(node->inputs())) step(node);
    }
  }

 private:
  bool is_known(at::ArrayRef<Value*> values) const {
    return std::all_of(values.begin(), values.end(),
                       [&](Value* value) { return uses_left_.count(value) > 0; });
  }

  bool is_recorded(const Node* node) const {
    return std::all_of(node->outputs().begin(), node->outputs().end(), [&](const Value* value) {
      return recording_.sizes[which_].count(value) > 0;
    });
  }

  void step(Node* node) {
    Stack inputs;
    for (Value* input : node->inputs())
      inputs.push_back(values_.at(input));
    const Stack outputs = run_node(node, std::move(inputs));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      keep(node->outputs()[i], outputs[i]);
    for (Value* input : node->inputs()) {
      if (--uses_left_.at(input) == 0) values_.erase(input);
    }
  }

  void keep(Value* value, const IValue& content) {
    uses_left_[value] = value->uses().size();
    values_[value] = content;
    record(recording_, which_, value, content);
  }

  const FlatGraph& flat_;
  Recording& recording_;
  int which_;
  std::unordered_map<Value*, IValue> values_;
  std::unordered_map<Value*, std::size_t> uses_left_;
};

}  // namespace

void record_behind(const FlatGraph& flat, const std::vector<Value*>& given, Recording& recording) {
  const at::NoGradGuard no_grad;
  for (const int which : {0, 1})
    Replay(flat, recording, which).run(given);
}

}  // namespace tl
