#include "model/kinds.h"
#include "model/modes.h"
#include "model/walk.h"

#include <algorithm>

namespace tl {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Value;

namespace {

constexpr const char* counter_name = "num_batches_tracked";  // BatchNorm's, in training mode

// In front of its executors LibTorch takes a constant of no dimensions for a number in these
// operations, which decides their type: integers times 0.01 are float, not double.
void make_number(const Node* node, std::vector<Ref>& inputs) {
  static const auto kinds = {c10::aten::add, c10::aten::sub, c10::aten::mul, c10::aten::div};
  if (std::find(kinds.begin(), kinds.end(), node->kind()) == kinds.end()) return;
  if (node->input(1)->node()->kind() != torch::jit::prim::Constant) return;
  const IValue& other = inputs[1]->value[0];
  if (!other.isTensor() || other.toTensor().dim() > 0) return;
  const at::Tensor number = other.toTensor().clone();
  number.unsafeGetTensorImpl()->set_wrapped_number(true);
  inputs[1] = known_constant(number);
}

}  // namespace

void ForwardWalk::operation(Node* node) {
  std::vector<Ref> inputs;
  for (Value* input : node->inputs())
    inputs.push_back(get(input));
  if (is_in_place(node) && is_counter(inputs[0])) return set(node->output(), inputs[0]);
  note_dependence_on_mode(node, inputs);
  as_the_file_is_ &= !set_evaluation_mode(node, inputs, training_);
  as_the_file_is_ &= !set_type(node, inputs, converted_);
  make_number(node, inputs);
  if (is_batch_norm(node)) keep_cumulative_momentum(inputs);
  const bool form_only = looks_at_form_only(node);
  bool constant = !node->isNondeterministic() &&
                  std::all_of(inputs.begin() + (form_only ? 1 : 0), inputs.end(), is_constant);
  if (is_in_place(node)) check_write(node, inputs[0], constant);
  // Arguments go into the graph before the operation may change them.
  std::vector<Value*> arguments;
  if (!constant || form_only) arguments = builder_.materialise(inputs);
  std::vector<Pair> results = evaluate_both(node, inputs);
  for (Pair& result : results) {
    if (result[0].isDevice()) result = on_this_device(result[0].toDevice())->value;
  }
  if (form_only) constant &= std::all_of(results.begin(), results.end(), same_in_both);
  Node* copy = constant ? nullptr : builder_.append(node, arguments, results);
  const bool from_images = !form_only && std::any_of(inputs.begin(), inputs.end(), is_from_images);
  for (std::size_t i = 0; i < results.size(); ++i) {
    auto known = std::make_shared<Known>();
    known->value = results[i];
    known->constant = constant;
    known->from_images = from_images;
    known->from_mode = constant && std::any_of(inputs.begin(), inputs.end(), is_from_mode);
    known->out = copy == nullptr ? nullptr : copy->outputs()[i];
    set(node->outputs()[i], known);
  }
  if (copy != nullptr) steps_[{node, visits_[node]++}] = copy;
  if (!is_in_place(node)) return;
  redirect(inputs[0], get(node->output(0)));
  set(node->output(0), inputs[0]);
}

void ForwardWalk::note_dependence_on_mode(const Node* node, const std::vector<Ref>& inputs) {
  const auto mode = mode_argument(node);
  if (std::none_of(inputs.begin(), inputs.end(), [](const Ref& input) {
        return input->value[0].isTensor() && !input->constant;
      })) {
    return;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    depends_on_mode_ |= inputs[i]->from_mode && i != mode && !keeps_statistics(node);
  }
  depends_on_mode_ |= attention_dropout(node, inputs) > 0;
}

bool ForwardWalk::is_counter(const Ref& known) const {
  if (!known->value[0].isTensor()) return false;
  const auto kept = kept_.find(known->value[0].toTensor().unsafeGetTensorImpl());
  return kept != kept_.end() && kept->second.name.ends_with(counter_name);
}

void ForwardWalk::keep_cumulative_momentum(std::vector<Ref>& inputs) {
  using batch_norm::momentum;
  const IValue& mean = inputs[batch_norm::running_mean]->value[0];
  if (!mean.isTensor()) return;
  if (inputs[momentum]->constant && inputs[momentum]->value[0].toDouble() != 0) return;
  const auto kept = kept_.find(mean.toTensor().unsafeGetTensorImpl());
  if (kept == kept_.end()) return;
  const std::string& name = kept->second.name;
  const std::string counter = name.substr(0, name.rfind('.') + 1) + counter_name;
  for (const auto& [address, named] : kept_) {
    if (named.name != counter) continue;
    inputs[momentum] = builder_.cumulative_momentum(builder_.lifted(named));
    return;
  }
}

void ForwardWalk::check_write(const Node* node, const Ref& changed, bool constant) const {
  if (!changed->value[0].isTensor()) return;
  const at::Tensor& tensor = changed->value[0].toTensor();
  for (const auto& [address, kept] : kept_) {
    if (kept.tensor.is_alias_of(tensor)) refuse_lowering(node, "it changes a tensor that it keeps");
  }
  for (const auto& [value, other] : env_) {
    if (!is_reached_by(tensor, changed, other)) continue;
    if (!constant || !is_constant(other)) {
      refuse_lowering(node, "it changes a tensor in place of which another is a view");
    }
    forget_place(other);
  }
}

bool ForwardWalk::is_reached_by(const at::Tensor& tensor, const Ref& changed, const Ref& other) {
  if (other == changed) return false;
  if (other->is_list) {
    return std::any_of(other->elements.begin(), other->elements.end(),
                       [&](const Ref& element) { return is_reached_by(tensor, changed, element); });
  }
  return other->value[0].isTensor() && other->value[0].toTensor().defined() &&
         other->value[0].toTensor().is_alias_of(tensor);
}

void ForwardWalk::forget_place(const Ref& known) {
  known->out = nullptr;
  for (const Ref& element : known->elements)
    forget_place(element);
}

void ForwardWalk::redirect(const Ref& changed, const Ref& result) {
  changed->out = result->out;
  changed->constant = result->constant;
  changed->from_images = result->from_images;
}

}  // namespace tl
