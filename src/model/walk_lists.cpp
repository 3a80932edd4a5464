// Lists and tuples, whose elements are known one by one.
#include "model/walk.h"

namespace tl {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Value;

void ForwardWalk::construct(Node* node) {
  auto known = std::make_shared<Known>();
  for (Value* input : node->inputs())
    known->elements.push_back(get(input));
  known->value = evaluate_both(node, known->elements).at(0);
  known->is_list = true;
  set(node->output(), known);
}

void ForwardWalk::unpack(Node* node) {
  const Ref known = get(node->input());
  builder_.split_into_elements(known, node);
  for (std::size_t i = 0; i < node->outputs().size(); ++i) {
    set(node->outputs()[i], known->elements.at(i));
  }
}

void ForwardWalk::index(Node* node) {
  const Ref container = get(node->input(0));
  const Ref position = get(node->input(1));
  const IValue& value = container->value[0];
  if (!position->constant || !position->value[0].isInt() || !(value.isList() || value.isTuple())) {
    operation(node);
    return;
  }
  builder_.split_into_elements(container, node);
  const auto size = static_cast<std::int64_t>(container->elements.size());
  const std::int64_t i = position->value[0].toInt();
  set(node->output(), container->elements.at(static_cast<std::size_t>(i < 0 ? i + size : i)));
}

void ForwardWalk::concatenate(Node* node) {
  auto known = std::make_shared<Known>();
  for (Value* input : node->inputs()) {
    const Ref part = get(input);
    builder_.split_into_elements(part, node);
    known->elements.insert(known->elements.end(), part->elements.begin(), part->elements.end());
  }
  known->value = evaluate_both(node, {get(node->input(0)), get(node->input(1))}).at(0);
  known->is_list = true;
  set(node->output(), known);
}

void ForwardWalk::append(Node* node) {
  const Ref list = get(node->input(0));
  const Ref element = get(node->input(1));
  builder_.split_into_elements(list, node);
  list->elements.push_back(element);
  for (const std::size_t which : {0, 1})
    list->value[which].toList().push_back(element->value[which]);
  set(node->output(), list);
}

void ForwardWalk::set_item(Node* node) {
  const Ref list = get(node->input(0));
  const Ref position = get(node->input(1));
  const Ref element = get(node->input(2));
  if (!position->constant) refuse_lowering(node, "the place in its list depends on the images");
  builder_.split_into_elements(list, node);
  const std::int64_t size = std::ssize(list->elements);
  const std::int64_t at = position->value[0].toInt();
  const auto i = static_cast<std::size_t>(at < 0 ? at + size : at);
  list->elements.at(i) = element;
  for (const std::size_t which : {0, 1})
    list->value[which].toList().set(i, element->value[which]);
  set(node->output(), list);
}

}  // namespace tl
