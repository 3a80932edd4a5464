#include "model/flat_builder.h"

#include "model/node.h"
#include "model/recording.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>

namespace tl {

using c10::IValue;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::Value;

Ref known_constant(const IValue& value) {
  auto known = std::make_shared<Known>();
  known->value = {value, value};
  known->constant = true;
  return known;
}

bool is_constant(const Ref& known) {
  if (!known->is_list) return known->constant;
  return std::all_of(known->elements.begin(), known->elements.end(), is_constant);
}

bool is_from_images(const Ref& known) {
  if (!known->is_list) return known->from_images;
  return std::any_of(known->elements.begin(), known->elements.end(), is_from_images);
}

bool same_in_both(const Pair& value) {
  if (value[0].isTensor() && value[0].toTensor().defined()) {
    return value[0].toTensor().sizes() == value[1].toTensor().sizes();
  }
  if (value[0].isTensor() || value[0].isObject()) return true;
  return value[0] == value[1];
}

std::vector<Pair> evaluate_both(Node* node, const std::vector<Ref>& inputs) {
  std::vector<Pair> outputs(node->outputs().size());
  for (const std::size_t which : {0, 1}) {
    Stack values;
    for (const Ref& input : inputs)
      values.push_back(input->value[which]);
    values = run_node(node, std::move(values));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      outputs[i][which] = std::move(values.at(i));
  }
  return outputs;
}

void refuse_lowering(const Node* node, const std::string& why) {
  throw Error(ExitCode::model, str("this network can't be lowered: ", why), describe(node),
              "export it by tracing (scripts/export_backbone --method trace), or change the "
              "network there");
}

bool is_in_place(const Node* node) {
  const auto* schema = node->maybeSchema();
  if (schema == nullptr || !schema->is_mutable()) return false;
  const auto* alias = schema->arguments()[0].alias_info();
  return alias != nullptr && alias->isWrite();
}

namespace {

std::vector<IValue> elements_of(const IValue& container, const Node* node) {
  if (container.isTuple()) return container.toTupleRef().elements().vec();
  if (container.isList()) return container.toListRef().vec();
  refuse_lowering(node, "it changes a container that is no list");
}

// The forward may change the tensor in place later on.
at::Tensor copy_of(const at::Tensor& constant) {
  if (!constant.defined()) return constant;
  at::Tensor copy = constant.detach().clone();
  if (constant.unsafeGetTensorImpl()->is_wrapped_number())
    copy.unsafeGetTensorImpl()->set_wrapped_number(true);
  return copy;
}

// Types of the example are exact where the original said Optional or a fixed shape.
void refine_type(Value* out, const c10::TypePtr& original) {
  out->setType(original->isSubtypeOf(*c10::TensorType::get()) ? c10::TensorType::get() : original);
}

}  // namespace

FlatBuilder::FlatBuilder(const ExampleImages& images) : images_(std::make_shared<Known>()) {
  flat_.graph = std::make_shared<Graph>();
  images_->value = {images[0].clone(), images[1].clone()};
  images_->from_images = true;
  images_->out = flat_.graph->addInput("images");
  record(images_->out, images_->value);
}

void FlatBuilder::record(const Value* out, const Pair& seen) {
  for (const int which : {0, 1})
    tl::record(recording_, which, out, seen[which]);
}

Ref FlatBuilder::lifted(const NamedTensor& named) {
  Ref& known = lifted_[named.tensor.unsafeGetTensorImpl()];
  if (!known) {
    known = std::make_shared<Known>();
    known->value = {named.tensor, named.tensor};
    known->out = flat_.graph->addInput();
    record(known->out, known->value);
    flat_.tensors.push_back(named);
    flat_.tensors.back().tensor = named.tensor.detach();
  }
  return known;
}

Ref FlatBuilder::cumulative_momentum(const Ref& batches) {
  Graph& graph = *flat_.graph;
  Value* so_far = graph.insert(c10::aten::Float, {materialise(batches)});
  auto known = std::make_shared<Known>();
  known->out = graph.insert(c10::aten::div, {1.0, graph.insert(c10::aten::add, {so_far, 1.0})});
  known->value = {0.0, 0.0};
  return known;
}

Value* FlatBuilder::materialise(const Ref& known) {
  if (known->is_list) return materialise_elements(known);
  if (known->out != nullptr) return known->out;
  const IValue& constant = known->value[0];
  if (constant.isList() || constant.isTuple()) {
    split_into_elements(known, nullptr);
    return materialise_elements(known);
  }
  const auto value = torch::jit::tryInsertConstant(
      *flat_.graph, constant.isTensor() ? copy_of(constant.toTensor()) : constant);
  if (!value) {
    throw Error(ExitCode::model,
                str("this network can't be lowered: it passes on an object of type ",
                    constant.type()->str()),
                "", "quantised and packed networks can't be trained; export the float network");
  }
  known->out = *value;
  record(known->out, known->value);
  return known->out;
}

std::vector<Value*> FlatBuilder::materialise(const std::vector<Ref>& known) {
  std::vector<Value*> values;
  for (const Ref& one : known)
    values.push_back(materialise(one));
  return values;
}

Value* FlatBuilder::materialise_elements(const Ref& known) {
  const std::vector<Value*> values = materialise(known->elements);
  const IValue& container = known->value[0];
  Node* node = container.isTuple()
                   ? flat_.graph->createTuple(values)
                   : flat_.graph->createList(container.toList().elementType(), values);
  record(node->output(), known->value);
  return flat_.graph->insertNode(node)->output();
}

void FlatBuilder::split_into_elements(const Ref& known, const Node* node) {
  if (known->is_list) return;
  const std::vector<IValue> first = elements_of(known->value[0], node);
  const std::vector<IValue> second = elements_of(known->value[1], node);
  std::vector<Value*> outs(first.size(), nullptr);
  if (known->out != nullptr) {
    Node* unpack = known->value[0].isTuple()
                       ? flat_.graph->createTupleUnpack(known->out)
                       : flat_.graph->createListUnpack(known->out, first.size());
    flat_.graph->insertNode(unpack);
    outs.assign(unpack->outputs().begin(), unpack->outputs().end());
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    auto element = std::make_shared<Known>();
    element->value = {first[i], second.at(i)};
    const bool same_number = !first[i].isTensor() && same_in_both(element->value);
    element->constant = known->constant || (!known->from_images && same_number);
    element->from_images = known->from_images;
    element->out = element->constant ? nullptr : outs[i];
    if (outs[i] != nullptr) record(outs[i], element->value);
    known->elements.push_back(std::move(element));
  }
  known->is_list = true;
}

Node* FlatBuilder::append(Node* node, const std::vector<Value*>& arguments,
                          const std::vector<Pair>& results) {
  Node* copy = node->kind() == c10::aten::copy_ ? twin_of_copy(arguments)
               : is_in_place(node)
                   ? functional_twin(node, arguments)
                   : flat_.graph->create(node->kind(), arguments, node->outputs().size());
  copy->copyMetadata(node);
  copy->copyAttributes(*node);
  for (std::size_t i = 0; i < node->outputs().size(); ++i) {
    refine_type(copy->outputs()[i], node->outputs()[i]->type());
    record(copy->outputs()[i], results[i]);
  }
  flat_.graph->insertNode(copy);
  if (copy->maybeOperator() == nullptr && copy->kind().is_aten()) {
    refuse_lowering(node, "it changes a tensor in place by an operation without a functional twin");
  }
  return copy;
}

// relu_ -> relu, with the same arguments.
Node* FlatBuilder::functional_twin(Node* node, const std::vector<Value*>& arguments) {
  std::string name = node->kind().toQualString();
  if (name.back() != '_') refuse_lowering(node, "it changes a value in place");
  name.pop_back();
  return flat_.graph->create(c10::Symbol::fromQualString(name), arguments, node->outputs().size());
}

// aten::copy has no gradient.
Node* FlatBuilder::twin_of_copy(const std::vector<Value*>& arguments) {
  Value* changed = arguments.at(0);
  Value* source = flat_.graph->insert(c10::aten::type_as, {arguments.at(1), changed});
  return flat_.graph->create(c10::aten::expand_as, {source, changed});
}

std::pair<FlatGraph, Recording> FlatBuilder::finish(const Ref& result) {
  flat_.graph->registerOutput(materialise(result));
  torch::jit::EliminateDeadCode(flat_.graph);
  for (std::size_t i = flat_.tensors.size(); i > 0; --i) {
    if (flat_.graph->inputs()[i]->hasUses()) continue;
    flat_.graph->eraseInput(i);
    flat_.tensors.erase(flat_.tensors.begin() + static_cast<std::ptrdiff_t>(i) - 1);
  }
  Recording recording;  // of the values that are left: a later one may get the address of another
  const auto keep = [&](const auto& values) {
    for (const Value* value : values)
      carry_over(recording_, value, value, recording);
  };
  keep(flat_.graph->inputs());
  for (const Node* node : flat_.graph->nodes())
    keep(node->outputs());
  return {std::move(flat_), std::move(recording)};
}

}  // namespace tl
