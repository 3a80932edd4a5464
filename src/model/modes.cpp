#include "model/modes.h"

#include <set>
#include <string>

namespace tl {
namespace {

using torch::jit::Node;

std::optional<std::size_t> argument_named(const Node* node, const std::set<std::string>& names) {
  const auto* schema = node->maybeSchema();
  if (schema == nullptr || !node->kind().is_aten()) return std::nullopt;
  const auto& arguments = schema->arguments();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (names.count(arguments[i].name()) > 0) return i;
  }
  return std::nullopt;
}

bool lacks_statistics(const Node* node, const std::vector<Ref>& inputs) {
  const auto mean = argument_named(node, {"running_mean"});
  return mean && inputs.at(*mean)->value[0].isNone();
}

}  // namespace

std::optional<std::size_t> mode_argument(const Node* node) {
  return argument_named(node, {"training", "train", "use_input_stats"});
}

bool is_random_in_training_alone(const Node* node) {
  return mode_argument(node) || argument_named(node, {"dropout_p"});
}

double attention_dropout(const Node* node, const std::vector<Ref>& inputs) {
  const auto rate = argument_named(node, {"dropout_p"});
  return rate && inputs.at(*rate)->value[0].isDouble() ? inputs[*rate]->value[0].toDouble() : 0;
}

bool set_evaluation_mode(const Node* node, std::vector<Ref>& inputs, bool dropout) {
  bool changed = false;
  const auto set = [&](std::optional<std::size_t> argument, const c10::IValue& evaluation) {
    if (!argument || inputs.at(*argument)->value[0] == evaluation) return;
    inputs[*argument] = known_constant(evaluation);
    changed = true;
  };
  if (!lacks_statistics(node, inputs)) set(mode_argument(node), false);
  if (!dropout) set(argument_named(node, {"dropout_p"}), 0.0);
  return changed;
}

bool set_type(const Node* node, std::vector<Ref>& inputs, const std::set<at::ScalarType>& types) {
  const auto argument = argument_named(node, {"dtype"});
  if (!argument || !inputs.at(*argument)->value[0].isInt()) return false;
  const auto type = static_cast<at::ScalarType>(inputs[*argument]->value[0].toInt());
  if (types.count(type) == 0) return false;
  inputs[*argument] = known_constant(static_cast<std::int64_t>(at::kFloat));
  return true;
}

}  // namespace tl
