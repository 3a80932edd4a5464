#include "model/lower.h"

#include "model/flat_builder.h"
#include "model/kinds.h"
#include "model/node.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <set>

namespace tl {
namespace {

using c10::IValue;
using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

bool passes_its_input_on(const std::string& kind) {
  static const std::set<std::string> kinds = {"prim::unchecked_cast", "prim::data",
                                              "prim::unchecked_unwrap_optional",
                                              "aten::_unwrap_optional"};
  return kinds.count(kind) > 0;
}

bool has_no_result(const std::string& kind) {
  static const std::set<std::string> kinds = {"aten::warn", "prim::Print", "aten::_assert_async"};
  return kinds.count(kind) > 0;
}

bool has_no_place_in_a_flat_graph(const std::string& kind) {
  static const std::set<std::string> kinds = {"prim::CallMethod", "prim::CallFunction",
                                              "prim::SetAttr",    "prim::PythonOp",
                                              "prim::fork",       "aten::wait"};
  return kinds.count(kind) > 0;
}

// Walks a forward once, as an interpreter would, and notes down what it does.
class ForwardWalk {
 public:
  ForwardWalk(const torch::jit::Module& module, const ExampleImages& images)
      : module_(module), builder_(images) {
    list_tensors();
  }

  Lowered run() {
    auto original = module_.get_method("forward").graph()->copy();
    torch::jit::Inline(*original);
    find_last_uses(original->block());
    set_inputs(*original);
    walk(original->block());
    const Ref result = the_one_tensor(get(original->outputs()[0]));
    auto [flat, recording] = builder_.finish(result);
    return {std::move(flat),
            std::move(recording),
            {result->value[0].toTensor(), result->value[1].toTensor()}};
  }

 private:
  [[noreturn]] static void refuse_signature() {
    throw Error(ExitCode::model, "the network's forward takes no image batch", "",
                "export a network whose forward takes one tensor, N x 3 x H x W");
  }

  // Forward arguments after the images must have defaults.
  void set_inputs(const Graph& graph) {
    const auto& arguments = module_.get_method("forward").function().getSchema().arguments();
    if (arguments.size() < 2) refuse_signature();
    set(graph.inputs()[0], known_constant(module_._ivalue()));
    set(graph.inputs()[1], builder_.images());
    for (std::size_t i = 2; i < graph.inputs().size(); ++i) {
      if (!arguments[i].default_value()) refuse_signature();
      set(graph.inputs()[i], known_constant(*arguments[i].default_value()));
    }
  }

  void list_tensors() {
    std::set<const void*> parameters;
    for (const auto& parameter : module_.named_parameters()) {
      parameters.insert(parameter.value.unsafeGetTensorImpl());
    }
    for (const auto& attribute : module_.named_attributes()) {
      if (!attribute.value.isTensor() || !attribute.value.toTensor().defined()) continue;
      const void* tensor = attribute.value.toTensor().unsafeGetTensorImpl();
      names_.try_emplace(tensor, attribute.name, parameters.count(tensor) > 0);
    }
  }

  // Each value is forgotten with its last use: activations of a large network fill the memory.
  void find_last_uses(Block* block) {
    for (Value* input : block->inputs())
      note_last_use(input, block, nullptr);
    for (Node* node : block->nodes()) {
      for (Value* output : node->outputs())
        note_last_use(output, block, node);
      for (Block* inner : node->blocks())
        find_last_uses(inner);
    }
  }

  void note_last_use(const Value* value, const Block* block, Node* last) {
    for (const auto& use : value->uses()) {
      Node* user = use.user;
      while (user->owningBlock() != block)
        user = user->owningBlock()->owningNode();
      if (last == nullptr || user->isAfter(last)) last = user;
    }
    if (last != nullptr) last_uses_[last].push_back(value);
  }

  Ref get(const Value* value) const { return env_.at(value); }
  void set(const Value* value, Ref known) { env_[value] = std::move(known); }

  void walk(Block* block) {
    for (Node* node : block->nodes()) {
      try {
        step(node);
        for (const Value* value : last_uses_[node])
          env_.erase(value);
      } catch (const Error&) {
        throw;
      } catch (const std::exception& error) {
        if (is_out_of_memory(error)) throw;
        // The interpreter puts the cause last, behind the whole call stack.
        throw Error(ExitCode::model,
                    str("the network fails on a batch of images: ", last_line(error.what())),
                    describe(node),
                    "it must take N x 3 x H x W; check backbone.input (the size it takes)");
      }
    }
  }

  void step(Node* node) {
    const std::string kind = node->kind().toQualString();
    if (kind == "aten::is_grad_enabled" || kind == "prim::requires_grad") {
      set(node->output(), known_constant(true));  // networks are lowered to be trained
    } else if (kind == "prim::Constant") {
      set(node->output(), constant_node(node));
    } else if (kind == "prim::GetAttr") {
      get_attribute(node);
    } else if (kind == "prim::If") {
      take_branch(node);
    } else if (kind == "prim::Loop") {
      unroll(node);
    } else if (passes_its_input_on(kind)) {
      set(node->output(), get(node->input(0)));
    } else if (is_container(node)) {
      construct(node);
    } else if (kind == "prim::ListUnpack" || kind == "prim::TupleUnpack") {
      unpack(node);
    } else if (kind == "prim::TupleIndex" || kind == "aten::__getitem__") {
      index(node);
    } else if (kind == "aten::append") {
      append(node);
    } else if (kind == "aten::add" && get(node->input(0))->value[0].isList()) {
      concatenate(node);
    } else if (has_no_place_in_a_flat_graph(kind)) {
      refuse_lowering(node, "it uses an operation that has no place in a flat graph");
    } else if (has_no_result(kind)) {
      return;
    } else if (node->hasSideEffects() && kind != "prim::RaiseException") {
      refuse_lowering(node, "it does something beside computing");  // and does not do it here
    } else {
      operation(node);
    }
  }

  // A weight that was frozen into the file as a constant is a weight all the same.
  Ref constant_node(Node* node) {
    const IValue value = *torch::jit::toIValue(node->output());
    if (!value.isTensor() || !feeds_a_weight(node->output())) return known_constant(value);
    return builder_.lifted(value.toTensor(), str("constant_", builder_.lifted_count()), true);
  }

  static bool feeds_a_weight(const Value* value) {
    const at::Tensor tensor = torch::jit::toIValue(value)->toTensor();
    if (!tensor.defined() || !tensor.is_floating_point() || tensor.dim() == 0) return false;
    return std::any_of(value->uses().begin(), value->uses().end(), [](const auto& use) {
      return use.offset > 0 && (is_convolution(use.user) || is_linear(use.user));
    });
  }

  void get_attribute(Node* node) {
    const IValue object = get(node->input())->value[0];
    const IValue value = object.toObjectRef().getAttr(node->s(torch::jit::attr::name));
    if (!value.isTensor() || !value.toTensor().defined()) {
      set(node->output(), known_constant(value));
      return;
    }
    const at::Tensor& tensor = value.toTensor();
    const auto& [name, parameter] = names_.at(tensor.unsafeGetTensorImpl());
    set(node->output(), builder_.lifted(tensor, name, parameter));
  }

  static const IValue& decision(const Node* node, const Ref& known) {
    if (is_from_images(known))
      refuse_lowering(node, "it takes a different path for different pixel values");
    if (!same_in_both(known->value)) {
      refuse_lowering(node, "it takes a different path for different batch sizes");
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
    for (std::size_t i = 2; i < node->inputs().size(); ++i)
      carried.push_back(get(node->input(i)));
    for (std::int64_t trip = 0; go_on && trip < trips; ++trip) {
      set(body->inputs()[0], known_constant(trip));
      for (std::size_t i = 0; i < carried.size(); ++i)
        set(body->inputs()[i + 1], carried[i]);
      walk(body);
      go_on = decision(node, get(body->outputs()[0])).toBool();
      for (std::size_t i = 0; i < carried.size(); ++i)
        carried[i] = get(body->outputs()[i + 1]);
    }
    for (std::size_t i = 0; i < carried.size(); ++i)
      set(node->outputs()[i], carried[i]);
  }

  void construct(Node* node) {
    auto known = std::make_shared<Known>();
    for (Value* input : node->inputs())
      known->elements.push_back(get(input));
    known->value = evaluate_both(node, known->elements).at(0);
    known->is_list = true;
    set(node->output(), known);
  }

  void unpack(Node* node) {
    const Ref known = get(node->input());
    builder_.split_into_elements(known, node);
    for (std::size_t i = 0; i < node->outputs().size(); ++i) {
      set(node->outputs()[i], known->elements.at(i));
    }
  }

  void index(Node* node) {
    const Ref container = get(node->input(0));
    const Ref position = get(node->input(1));
    const IValue& value = container->value[0];
    if (!position->constant || !position->value[0].isInt() ||
        !(value.isList() || value.isTuple())) {
      operation(node);
      return;
    }
    builder_.split_into_elements(container, node);
    const auto size = static_cast<std::int64_t>(container->elements.size());
    const std::int64_t i = position->value[0].toInt();
    set(node->output(), container->elements.at(static_cast<std::size_t>(i < 0 ? i + size : i)));
  }

  void concatenate(Node* node) {
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

  void append(Node* node) {
    const Ref list = get(node->input(0));
    const Ref element = get(node->input(1));
    builder_.split_into_elements(list, node);
    list->elements.push_back(element);
    for (const std::size_t which : {0, 1})
      list->value[which].toList().push_back(element->value[which]);
    set(node->output(), list);
  }

  // An ordinary operation: computed, and put into the flat graph unless it is a constant.
  void operation(Node* node) {
    std::vector<Ref> inputs;
    for (Value* input : node->inputs())
      inputs.push_back(get(input));
    const bool form_only = looks_at_form_only(node);
    bool constant = !node->isNondeterministic() &&
                    std::all_of(inputs.begin() + (form_only ? 1 : 0), inputs.end(), is_constant);
    // Arguments go into the graph before the operation may change them.
    std::vector<Value*> arguments;
    if (!constant || form_only) arguments = builder_.materialise(inputs);
    const std::vector<Pair> results = evaluate_both(node, inputs);
    if (form_only) constant &= std::all_of(results.begin(), results.end(), same_in_both);
    Node* copy = constant ? nullptr : builder_.append(node, arguments, results);
    const bool from_images =
        !form_only && std::any_of(inputs.begin(), inputs.end(), is_from_images);
    for (std::size_t i = 0; i < results.size(); ++i) {
      auto known = std::make_shared<Known>();
      known->value = results[i];
      known->constant = constant;
      known->from_images = from_images;
      known->out = copy == nullptr ? nullptr : copy->outputs()[i];
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

  // Networks with auxiliary outputs return a tuple in which only one is set in eval mode.
  Ref the_one_tensor(const Ref& result) {
    const IValue& value = result->value[0];
    if (value.isTensor()) return result;
    if (value.isTuple() || value.isList()) {
      builder_.split_into_elements(result, nullptr);
      std::vector<Ref> tensors;
      for (const Ref& element : result->elements) {
        if (element->value[0].isTensor()) tensors.push_back(element);
      }
      if (tensors.size() == 1) return tensors[0];
    }
    throw Error(ExitCode::model,
                str("the network returns ", value.type()->str(), ", not one tensor"), "",
                "export a network whose forward returns the logits or the features alone");
  }

  const torch::jit::Module& module_;
  FlatBuilder builder_;
  std::unordered_map<const Value*, Ref> env_;
  std::unordered_map<const Node*, std::vector<const Value*>> last_uses_;
  std::unordered_map<const void*, std::pair<std::string, bool>> names_;  // name, is a parameter
};

}  // namespace

Lowered lower(const torch::jit::Module& module, const ExampleImages& images) {
  const at::NoGradGuard no_grad;
  return ForwardWalk(module, images).run();
}

}  // namespace tl
