#include "model/lower.h"

#include "model/evaluate.h"
#include "model/kinds.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <set>

namespace tl {
namespace {

using c10::IValue;
using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::Value;

// What a value is for two image batches of different size: what is alike in both is a constant of
// the network, what is not follows the batch.
using Pair = std::array<IValue, 2>;

// What is known of a value of the original graph while its forward is walked.
struct Known {
  Pair value;
  Value* out = nullptr; // what stands for it in the flat graph, once it is needed there
  bool constant = false;
  bool from_images = false;  // depends on pixel values, not only on shapes
  bool is_list = false;      // a list or tuple whose elements are known one by one
  std::vector<std::shared_ptr<Known>> elements;
};
using Ref = std::shared_ptr<Known>;

bool same_in_both(const Pair& value) {
  if (value[0].isTensor() && value[0].toTensor().defined()) {
    return value[0].toTensor().sizes() == value[1].toTensor().sizes();
  }
  if (value[0].isTensor() || value[0].isObject()) return true;
  return value[0] == value[1];
}

// The node's outputs, for both batches.
std::vector<Pair> evaluate_both(Node* node, const std::vector<Ref>& inputs) {
  std::vector<Pair> outputs(node->outputs().size());
  for (std::size_t which : {0, 1}) {
    Stack values;
    for (const Ref& input : inputs) values.push_back(input->value[which]);
    values = evaluate(node, std::move(values));
    for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i][which] = std::move(values.at(i));
  }
  return outputs;
}

bool passes_its_input_on(const Node* node) {
  static const std::set<std::string> kinds = {"prim::unchecked_cast",
                                              "prim::unchecked_unwrap_optional",
                                              "aten::_unwrap_optional", "prim::data"};
  return kinds.count(node->kind().toQualString()) > 0;
}

class Lowering {
 public:
  Lowering(const torch::jit::Module& module, const ExampleImages& images) : module_(module) {
    flat_.graph = std::make_shared<Graph>();
    const auto images_known = std::make_shared<Known>();
    images_known->value = {images[0].clone(), images[1].clone()};
    images_known->from_images = true;
    images_known->out = flat_.graph->addInput("images");
    images_ = images_known;
    list_tensors();
  }

  Lowered run() {
    auto original = module_.get_method("forward").graph()->copy();
    torch::jit::Inline(*original);
    if (original->inputs().size() < 2) refuse_signature();
    set(original->inputs()[0], constant(module_._ivalue()));
    set(original->inputs()[1], images_);
    set_defaults(*original);
    walk(original->block());
    const Ref result = the_one_tensor(get(original->outputs()[0]));
    flat_.graph->registerOutput(materialise(result));
    torch::jit::EliminateDeadCode(flat_.graph);
    drop_unused_tensors();
    return {std::move(flat_), {result->value[0].toTensor(), result->value[1].toTensor()}};
  }

 private:
  [[noreturn]] void refuse_signature() const {
    throw Error(ExitCode::model, "the network's forward takes no image batch", "",
                "export a network whose forward takes one tensor, N x 3 x H x W");
  }

  [[noreturn]] static void refuse(const Node* node, const std::string& why) {
    throw Error(ExitCode::model, str("this network can't be lowered: ", why), describe(node),
                "export it by tracing (scripts/export_backbone --method trace), or change the "
                "network there");
  }

  // Forward arguments after the images must have defaults.
  void set_defaults(const Graph& graph) {
    const auto& arguments = module_.get_method("forward").function().getSchema().arguments();
    for (std::size_t i = 2; i < graph.inputs().size(); ++i) {
      if (!arguments[i].default_value()) refuse_signature();
      set(graph.inputs()[i], constant(*arguments[i].default_value()));
    }
  }

  void list_tensors() {
    std::set<const void*> parameters;
    for (const auto& parameter : module_.named_parameters()) {
      parameters.insert(parameter.value.unsafeGetTensorImpl());
    }
    for (const auto& attribute : module_.named_attributes()) {
      if (!attribute.value.isTensor()) continue;
      const at::Tensor& tensor = attribute.value.toTensor();
      if (!tensor.defined()) continue;
      const bool parameter = parameters.count(tensor.unsafeGetTensorImpl()) > 0;
      names_.try_emplace(tensor.unsafeGetTensorImpl(), attribute.name, parameter);
    }
  }

  // --- the environment ---

  Ref get(const Value* value) const { return env_.at(value); }
  void set(const Value* value, Ref known) { env_[value] = std::move(known); }

  static Ref constant(const IValue& value) {
    auto known = std::make_shared<Known>();
    known->value = {value, value};
    known->constant = true;
    return known;
  }

  Ref lifted(const at::Tensor& tensor, const std::string& name, bool parameter) {
    Ref& known = lifted_[tensor.unsafeGetTensorImpl()];
    if (!known) {
      known = std::make_shared<Known>();
      known->value = {tensor, tensor};
      known->out = flat_.graph->addInput();
      flat_.tensors.push_back({name, tensor.detach(), parameter});
    }
    return known;
  }

  // The value that stands for it in the flat graph.
  Value* materialise(const Ref& known) {
    if (known->is_list) return materialise_elements(known);
    if (known->out != nullptr) return known->out;
    const IValue& constant = known->value[0];
    if (constant.isList() || constant.isTuple()) {
      split_into_elements(known, nullptr);
      return materialise_elements(known);
    }
    const auto value = torch::jit::tryInsertConstant(
        *flat_.graph, constant.isTensor() ? constant.toTensor().detach() : constant);
    if (!value) {
      throw Error(ExitCode::model,
                  str("this network can't be lowered: it passes on an object of type ",
                      constant.type()->str()),
                  "", "quantised and packed networks can't be trained; export the float network");
    }
    known->out = *value;
    return known->out;
  }

  // A new list each time: lists may grow between two uses.
  Value* materialise_elements(const Ref& known) {
    std::vector<Value*> values;
    for (const Ref& element : known->elements) values.push_back(materialise(element));
    const IValue& container = known->value[0];
    Node* node = container.isTuple()
                     ? flat_.graph->createTuple(values)
                     : flat_.graph->createList(container.toList().elementType(), values);
    return flat_.graph->insertNode(node)->output();
  }

  void split_into_elements(const Ref& known, Node* node) {
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
      element->constant = known->constant || (!known->from_images && same_number(element->value));
      element->from_images = known->from_images;
      element->out = element->constant ? nullptr : outs[i];
      known->elements.push_back(std::move(element));
    }
    known->is_list = true;
  }

  static std::vector<IValue> elements_of(const IValue& container, const Node* node) {
    if (container.isTuple()) return container.toTupleRef().elements().vec();
    if (container.isList()) return container.toListRef().vec();
    refuse(node, "it changes a container that is no list");
  }

  static bool same_number(const Pair& value) {
    return !value[0].isTensor() && same_in_both(value);
  }

  static bool is_constant(const Ref& known) {
    if (!known->is_list) return known->constant;
    return std::all_of(known->elements.begin(), known->elements.end(), is_constant);
  }
  static bool is_from_images(const Ref& known) {
    if (!known->is_list) return known->from_images;
    return std::any_of(known->elements.begin(), known->elements.end(), is_from_images);
  }

  // --- the walk ---

  void walk(Block* block) {
    for (Node* node : block->nodes()) {
      try {
        step(node);
      } catch (const Error&) {
        throw;
      } catch (const std::exception& error) {
        const std::string text = error.what();
        throw Error(ExitCode::model,
                    str("the network fails on a batch of images: ",
                        text.substr(0, text.find('\n'))),
                    describe(node), "check backbone.input (the size that the network takes)");
      }
    }
  }

  void step(Node* node) {
    const std::string kind = node->kind().toQualString();
    if (kind == "aten::is_grad_enabled" || kind == "prim::requires_grad") {
      set(node->output(), constant(true));  // networks are lowered to be trained
    } else if (kind == "prim::Constant") {
      set(node->output(), constant_node(node));
    } else if (kind == "prim::GetAttr") {
      get_attribute(node);
    } else if (kind == "prim::If") {
      take_branch(node);
    } else if (kind == "prim::Loop") {
      unroll(node);
    } else if (passes_its_input_on(node)) {
      set(node->output(), get(node->input(0)));
    } else if (kind == "prim::ListConstruct" || kind == "prim::TupleConstruct") {
      construct(node);
    } else if (kind == "prim::ListUnpack" || kind == "prim::TupleUnpack") {
      unpack(node);
    } else if (kind == "prim::TupleIndex" || kind == "aten::__getitem__") {
      index(node);
    } else if (kind == "aten::append") {
      append(node);
    } else if (kind == "aten::warn" || kind == "prim::Print" || kind == "aten::_assert_async") {
      return;
    } else if (kind == "prim::CallMethod" || kind == "prim::CallFunction" ||
               kind == "prim::SetAttr" || kind == "prim::PythonOp" || kind == "prim::fork") {
      refuse(node, "it uses an operation that has no place in a flat graph");
    } else {
      operation(node);
    }
  }

  // A weight that was frozen into the file as a constant is a weight all the same.
  Ref constant_node(Node* node) {
    const IValue value = *torch::jit::toIValue(node->output());
    if (value.isTensor() && feeds_a_weight(node->output())) {
      const std::string name = str("constant_", lifted_.size());
      return lifted(value.toTensor(), name, true);
    }
    return constant(value);
  }

  static bool feeds_a_weight(const Value* value) {
    const auto tensor = torch::jit::toIValue(value)->toTensor();
    if (!tensor.defined() || !tensor.is_floating_point() || tensor.dim() == 0) return false;
    static const std::set<std::string> kinds = {"aten::conv2d",     "aten::_convolution",
                                                "aten::linear",     "aten::addmm",
                                                "aten::layer_norm", "aten::group_norm"};
    return std::any_of(value->uses().begin(), value->uses().end(), [](const auto& use) {
      return use.offset > 0 && kinds.count(use.user->kind().toQualString()) > 0;
    });
  }

  void get_attribute(Node* node) {
    const IValue object = get(node->input())->value[0];
    const IValue value = object.toObjectRef().getAttr(node->s(torch::jit::attr::name));
    if (!value.isTensor() || !value.toTensor().defined()) {
      set(node->output(), constant(value));
      return;
    }
    const at::Tensor& tensor = value.toTensor();
    const auto& [name, parameter] = names_.at(tensor.unsafeGetTensorImpl());
    set(node->output(), lifted(tensor, name, parameter));
  }

  const IValue& decision(Node* node, const Ref& known) const {
    if (is_from_images(known)) refuse(node, "it takes a different path for different pixel values");
    if (!same_in_both(known->value)) {
      refuse(node, "it takes a different path for different batch sizes");
    }
    return known->value[0];
  }

  void take_branch(Node* node) {
    const bool taken = decision(node, get(node->input())).toBool();
    Block* block = node->blocks()[taken ? 0 : 1];
    walk(block);
    for (std::size_t i = 0; i < node->outputs().size(); ++i) {
      set(node->outputs()[i], get(block->outputs()[i]));
    }
  }

  void unroll(Node* node) {
    Block* body = node->blocks()[0];
    const std::int64_t trips = decision(node, get(node->input(0))).toInt();
    bool go_on = decision(node, get(node->input(1))).toBool();
    std::vector<Ref> carried;
    for (std::size_t i = 2; i < node->inputs().size(); ++i) carried.push_back(get(node->input(i)));
    for (std::int64_t trip = 0; go_on && trip < trips; ++trip) {
      set(body->inputs()[0], constant(trip));
      for (std::size_t i = 0; i < carried.size(); ++i) set(body->inputs()[i + 1], carried[i]);
      walk(body);
      go_on = decision(node, get(body->outputs()[0])).toBool();
      for (std::size_t i = 0; i < carried.size(); ++i) carried[i] = get(body->outputs()[i + 1]);
    }
    for (std::size_t i = 0; i < carried.size(); ++i) set(node->outputs()[i], carried[i]);
  }

  void construct(Node* node) {
    auto known = std::make_shared<Known>();
    for (Value* input : node->inputs()) known->elements.push_back(get(input));
    known->value = evaluate_both(node, known->elements).at(0);
    known->is_list = true;
    set(node->output(), known);
  }

  void unpack(Node* node) {
    const Ref known = get(node->input());
    split_into_elements(known, node);
    for (std::size_t i = 0; i < node->outputs().size(); ++i) {
      set(node->outputs()[i], known->elements.at(i));
    }
  }

  void index(Node* node) {
    const Ref container = get(node->input(0));
    const Ref position = get(node->input(1));
    const bool positional = position->constant && position->value[0].isInt() &&
                            (container->value[0].isList() || container->value[0].isTuple());
    if (!positional) {
      operation(node);
      return;
    }
    split_into_elements(container, node);
    const auto size = static_cast<std::int64_t>(container->elements.size());
    const std::int64_t i = position->value[0].toInt();
    set(node->output(), container->elements.at(static_cast<std::size_t>(i < 0 ? i + size : i)));
  }

  void append(Node* node) {
    const Ref list = get(node->input(0));
    split_into_elements(list, node);
    list->elements.push_back(get(node->input(1)));
    for (std::size_t which : {0, 1}) {
      list->value[which].toList().push_back(get(node->input(1))->value[which]);
    }
    set(node->output(), list);
  }

  // An ordinary operation: compute it, and put it into the flat graph unless it is a constant.
  void operation(Node* node) {
    std::vector<Ref> inputs;
    for (Value* input : node->inputs()) inputs.push_back(get(input));
    const bool form_only = looks_at_form_only(node);
    const bool foldable = !node->isNondeterministic() &&
                          std::all_of(inputs.begin() + (form_only ? 1 : 0), inputs.end(), is_constant);
    // Arguments are put into the graph before the operation may change them.
    std::vector<Value*> arguments;
    if (!foldable) arguments = materialise_all(inputs);
    const std::vector<Pair> results = evaluate_both(node, inputs);
    const bool constant_result =
        foldable && (!form_only || std::all_of(results.begin(), results.end(), same_in_both));
    if (foldable && !constant_result) arguments = materialise_all(inputs);
    Node* copy = constant_result ? nullptr : clone(node, arguments);
    const bool from_images = !form_only && std::any_of(inputs.begin(), inputs.end(), is_from_images);
    for (std::size_t i = 0; i < results.size(); ++i) {
      auto known = std::make_shared<Known>();
      known->value = results[i];
      known->constant = constant_result;
      known->from_images = from_images;
      if (copy != nullptr) {
        known->out = copy->outputs()[i];
        refine_type(known->out, known->value[0]);
      }
      set(node->outputs()[i], known);
    }
    if (is_in_place(node)) redirect(inputs[0], get(node->output(0)));
  }

  // Whoever held the changed tensor holds the new one from now on.
  static void redirect(const Ref& changed, const Ref& result) {
    changed->out = result->out;
    changed->constant = result->constant;
    changed->from_images = result->from_images;
  }

  static bool is_in_place(const Node* node) {
    const auto* schema = node->maybeSchema();
    return schema != nullptr && schema->is_mutable() && schema->arguments()[0].alias_info() &&
           schema->arguments()[0].alias_info()->isWrite();
  }

  std::vector<Value*> materialise_all(const std::vector<Ref>& inputs) {
    std::vector<Value*> values;
    for (const Ref& input : inputs) values.push_back(materialise(input));
    return values;
  }

  Node* clone(Node* node, const std::vector<Value*>& arguments) {
    Node* copy = is_in_place(node) ? functional_twin(node)
                                   : flat_.graph->create(node->kind(), node->outputs().size());
    copy->copyMetadata(node);
    copy->copyAttributes(*node);
    for (Value* argument : arguments) copy->addInput(argument);
    for (std::size_t i = 0; i < node->outputs().size(); ++i) {
      copy->outputs()[i]->setType(node->outputs()[i]->type());
    }
    flat_.graph->insertNode(copy);
    if (copy->maybeOperator() == nullptr && copy->kind().is_aten()) {
      refuse(node, "it changes a tensor in place by an operation without a functional twin");
    }
    return copy;
  }

  // relu_ -> relu, with the same arguments.
  Node* functional_twin(Node* node) {
    std::string name = node->kind().toQualString();
    if (name.back() != '_') refuse(node, "it changes a value in place");
    name.pop_back();
    return flat_.graph->create(c10::Symbol::fromQualString(name), node->outputs().size());
  }

  // Types of the example are exact where the original said Optional or a fixed shape.
  static void refine_type(Value* out, const IValue& value) {
    if (value.isTensor()) {
      out->setType(c10::TensorType::get());
    } else if (out->type()->kind() == c10::TypeKind::OptionalType ||
               out->type()->kind() == c10::TypeKind::UnionType ||
               out->type()->kind() == c10::TypeKind::TensorType) {
      out->setType(value.type());
    }
  }

  // Networks with auxiliary outputs return a tuple in which only one is set in eval mode.
  Ref the_one_tensor(const Ref& result) {
    if (result->value[0].isTensor()) return result;
    if (result->value[0].isTuple() || result->value[0].isList()) {
      split_into_elements(result, nullptr);
      std::vector<Ref> tensors;
      for (const Ref& element : result->elements) {
        if (element->value[0].isTensor()) tensors.push_back(element);
      }
      if (tensors.size() == 1) return tensors[0];
    }
    throw Error(ExitCode::model,
                str("the network returns ", result->value[0].type()->str(), ", not one tensor"), "",
                "export a network whose forward returns the logits or the features alone");
  }

  void drop_unused_tensors() {
    for (std::size_t i = flat_.tensors.size(); i > 0; --i) {
      if (flat_.graph->inputs()[i]->hasUses()) continue;
      flat_.graph->eraseInput(i);
      flat_.tensors.erase(flat_.tensors.begin() + static_cast<std::ptrdiff_t>(i) - 1);
    }
  }

  const torch::jit::Module& module_;
  FlatGraph flat_;
  Ref images_;
  std::unordered_map<const Value*, Ref> env_;
  std::unordered_map<const void*, std::pair<std::string, bool>> names_;  // name, is a parameter
  std::unordered_map<const void*, Ref> lifted_;
};

}  // namespace

Lowered lower(const torch::jit::Module& module, const ExampleImages& images) {
  const at::NoGradGuard no_grad;
  return Lowering(module, images).run();
}

}  // namespace tl
