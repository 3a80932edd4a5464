#include "model/walk.h"

#include "model/explain.h"
#include "model/kinds.h"
#include "model/node.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <map>
#include <optional>

namespace tl {

using c10::IValue;
using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

namespace {

bool passes_its_input_on(const std::string& kind) {
  static const std::set<std::string> kinds = {
      "prim::unchecked_cast",   "prim::data", "prim::unchecked_unwrap_optional",
      "aten::_unwrap_optional", "aten::cuda", "aten::cpu"};
  return kinds.count(kind) > 0;
}

bool has_no_result(const std::string& kind) {
  static const std::set<std::string> kinds = {"aten::warn", "prim::Print", "aten::_assert_async"};
  return kinds.count(kind) > 0;
}

// What it asks about the thread: a flat graph is made for training without autocast.
std::optional<bool> answer(const std::string& kind) {
  static const std::map<std::string, bool> answers = {{"aten::is_autocast_enabled", false},
                                                      {"aten::is_autocast_cpu_enabled", false},
                                                      {"aten::is_grad_enabled", true}};
  const auto found = answers.find(kind);
  if (found == answers.end()) return std::nullopt;
  return found->second;
}

bool has_no_place_in_a_flat_graph(const std::string& kind) {
  static const std::set<std::string> kinds = {"prim::CallMethod", "prim::CallFunction",
                                              "prim::SetAttr",    "prim::PythonOp",
                                              "prim::fork",       "aten::wait"};
  return kinds.count(kind) > 0;
}

}  // namespace

ForwardWalk::ForwardWalk(const torch::jit::Module& module, const ExampleImages& images,
                         const std::set<at::ScalarType>& converted, bool training)
    : module_(module), builder_(images), converted_(converted), training_(training) {
  list_tensors();
}

Lowered ForwardWalk::run(Graph& original) {
  find_last_uses(original.block());
  set_inputs(original);
  walk(original.block());
  const Ref result = the_one_tensor(get(original.outputs()[0]));
  auto [flat, recording] = builder_.finish(result);
  return {std::move(flat),
          std::move(recording),
          {result->value[0].toTensor(), result->value[1].toTensor()},
          as_the_file_is_,
          std::nullopt};
}

void ForwardWalk::refuse_signature() {
  throw Error(ExitCode::model, "the network's forward takes no image batch", "",
              "export a network whose forward takes one tensor, N x 3 x H x W");
}

void ForwardWalk::set_inputs(const Graph& graph) {
  const auto& arguments = module_.get_method("forward").function().getSchema().arguments();
  if (arguments.size() < 2) refuse_signature();
  set(graph.inputs()[0], known_constant(module_._ivalue()));
  set(graph.inputs()[1], builder_.images());
  for (std::size_t i = 2; i < graph.inputs().size(); ++i) {
    if (!arguments[i].default_value()) refuse_signature();
    set(graph.inputs()[i], known_constant(*arguments[i].default_value()));
  }
}

void ForwardWalk::list_tensors() {
  std::set<const void*> parameters;
  bool trains = false;
  for (const auto& parameter : module_.named_parameters()) {
    parameters.insert(parameter.value.unsafeGetTensorImpl());
    trains |= parameter.value.requires_grad();
  }
  for (const auto& attribute : module_.named_attributes()) {
    if (!attribute.value.isTensor() || !attribute.value.toTensor().defined()) continue;
    const at::Tensor& tensor = attribute.value.toTensor();
    const void* address = tensor.unsafeGetTensorImpl();
    NamedTensor named{attribute.name, tensor, parameters.count(address) > 0};
    named.fixed =
        named.parameter && (trains ? !tensor.requires_grad() : !tensor.is_floating_point());
    kept_.try_emplace(address, std::move(named));
  }
}

void ForwardWalk::find_last_uses(Block* block) {
  for (Value* input : block->inputs())
    note_last_use(input, block, nullptr);
  for (Node* node : block->nodes()) {
    for (Value* output : node->outputs())
      note_last_use(output, block, node);
    for (Block* inner : node->blocks())
      find_last_uses(inner);
  }
}

void ForwardWalk::note_last_use(const Value* value, const Block* block, Node* last) {
  for (const auto& use : value->uses()) {
    Node* user = use.user;
    while (user->owningBlock() != block)
      user = user->owningBlock()->owningNode();
    if (last == nullptr || user->isAfter(last)) last = user;
  }
  if (last != nullptr) last_uses_[last].push_back(value);
}

void ForwardWalk::walk(Block* block) {
  for (Node* node : block->nodes()) {
    try {
      step(node);
      for (const Value* value : last_uses_[node])
        env_.erase(value);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      if (is_out_of_memory(error)) throw;
      throw Error(ExitCode::model, str("the network fails on a batch of images: ", cause_of(error)),
                  describe(node), remedy_for(module_, builder_.images()->value[0].toTensor()));
    }
  }
}

void ForwardWalk::step(Node* node) {
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
  } else if (kind == "aten::_set_item" && get(node->input(0))->value[0].isList()) {
    set_item(node);
  } else if (kind == "aten::add" && get(node->input(0))->value[0].isList()) {
    concatenate(node);
  } else if (has_no_place_in_a_flat_graph(kind)) {
    refuse_lowering(node, "it uses an operation that has no place in a flat graph");
  } else if (const auto known = answer(kind)) {
    set(node->output(), known_constant(*known));
  } else if (has_no_result(kind)) {
    return;
  } else if (node->hasSideEffects() && kind != "prim::RaiseException") {
    refuse_lowering(node, "it does something beside computing");  // and does not do it here
  } else {
    operation(node);
  }
}

Ref ForwardWalk::constant_node(Node* node) {
  const auto constant = torch::jit::toIValue(node->output());
  if (!constant) return known_constant({});  // a function that was inlined
  const IValue& value = *constant;
  if (value.isDevice()) return on_this_device(value.toDevice());
  if (!value.isTensor() || !feeds_a_weight(node->output())) return known_constant(value);
  return builder_.lifted({str("constant_", builder_.lifted_count()), value.toTensor(), true});
}

Ref ForwardWalk::on_this_device(const at::Device& device) {
  as_the_file_is_ &= device.is_cpu();
  return known_constant(at::Device(at::kCPU));
}

bool ForwardWalk::feeds_a_weight(const Value* value) {
  const at::Tensor tensor = torch::jit::toIValue(value)->toTensor();
  if (!tensor.defined() || !tensor.is_floating_point() || tensor.dim() == 0) return false;
  return std::any_of(value->uses().begin(), value->uses().end(), [](const auto& use) {
    return use.offset > 0 && (is_convolution(use.user) || is_linear(use.user));
  });
}

void ForwardWalk::get_attribute(Node* node) {
  const IValue object = get(node->input())->value[0];
  const IValue value = object.toObjectRef().getAttr(node->s(torch::jit::attr::name));
  if (value.isTensorList()) return set(node->output(), list_of_tensors(value));
  if (!value.isTensor() || !value.toTensor().defined()) {
    set(node->output(), known_constant(value));
    get(node->output())->from_mode = node->s(torch::jit::attr::name) == "training";
    return;
  }
  const at::Tensor& tensor = value.toTensor();
  set(node->output(), builder_.lifted(kept_.at(tensor.unsafeGetTensorImpl())));
}

// A scripted LSTM's weights.
Ref ForwardWalk::list_of_tensors(const IValue& list) {
  auto known = std::make_shared<Known>();
  known->value = {list, list};
  known->is_list = true;
  for (const at::Tensor& tensor : list.toTensorVector()) {
    const auto kept = kept_.find(tensor.unsafeGetTensorImpl());
    known->elements.push_back(kept == kept_.end() ? known_constant(tensor)
                                                  : builder_.lifted(kept->second));
  }
  return known;
}

const IValue& ForwardWalk::decision(const Node* node, const Ref& known) {
  if (is_from_images(known))
    refuse_lowering(node, "it takes a different path for different pixel values");
  if (!same_in_both(known->value)) {
    refuse_lowering(node, "it takes a different path for different batch sizes");
  }
  return known->value[0];
}

void ForwardWalk::take_branch(Node* node) {
  const Ref condition = get(node->input());
  const bool taken = decision(node, condition).toBool();
  Block* block = node->blocks()[taken ? 0 : 1];
  if (condition->from_mode) depends_on_mode_ |= writes(node->blocks()[taken ? 1 : 0]);
  walk(block);
  for (std::size_t i = 0; i < node->outputs().size(); ++i) {
    Ref result = get(block->outputs()[i]);
    if (condition->from_mode && result->value[0].isTensor()) depends_on_mode_ = true;
    if (condition->from_mode && result->constant && !result->value[0].isTensor()) {
      result = std::make_shared<Known>(*result);
      result->from_mode = true;
    }
    set(node->outputs()[i], result);
  }
}

bool ForwardWalk::writes(const Block* block) {
  return std::any_of(block->nodes().begin(), block->nodes().end(), [](const Node* node) {
    const auto blocks = node->blocks();
    return (is_in_place(node) && node->input(0)->node()->kind() != torch::jit::prim::GetAttr) ||
           std::any_of(blocks.begin(), blocks.end(), writes);
  });
}

void ForwardWalk::unroll(Node* node) {
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

Ref ForwardWalk::the_one_tensor(const Ref& result) {
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
  throw Error(ExitCode::model, str("the network returns ", value.type()->str(), ", not one tensor"),
              "", "export a network whose forward returns the logits or the features alone");
}

}  // namespace tl
