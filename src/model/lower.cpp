#include "model/lower.h"

#include "model/kinds.h"
#include "model/walk.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/passes/inliner.h>

namespace tl {
namespace {

using torch::jit::Node;
using torch::jit::Value;

// Leads from the values of one flat graph to those of the other.
class Twins {
 public:
  std::unordered_map<const Value*, Twin> all() {
    for (const auto& [value, seen] : seen_) {
      Twin& twin = twins_[value];
      twin.seen = seen.size() == 1 ? *seen.begin() : nullptr;
      if (twin.made == nullptr) twin.made = twin.seen;
    }
    for (auto& [value, twin] : twins_) {
      if (seen_.count(value) == 0) twin.seen = twin.made;
    }
    return std::move(twins_);
  }

  // The same step of the forward made both.
  void made(const Value* value, Value* other) { twins_[value].made = other; }

  // The same step of the forward got both.
  void seen(const Value* value, Value* other) {
    seen_[value].insert(other);
    const Node* list = value->node();
    const Node* other_list = other->node();
    if (!is_container(list) || !is_container(other_list)) return;
    if (list->inputs().size() != other_list->inputs().size()) return;
    for (std::size_t i = 0; i < list->inputs().size(); ++i)
      seen(list->input(i), other_list->input(i));
  }

 private:
  std::unordered_map<const Value*, Twin> twins_;
  std::unordered_map<const Value*, std::set<Value*>> seen_;
};

void connect(Lowered& lowered, const ForwardWalk::Steps& steps, const FlatGraph& other,
             const ForwardWalk::Steps& other_steps) {
  const std::set<const Node*> nodes(lowered.flat.graph->nodes().begin(),
                                    lowered.flat.graph->nodes().end());
  const std::set<const Node*> other_nodes(other.graph->nodes().begin(), other.graph->nodes().end());
  Twins twins;
  twins.made(lowered.flat.images(), other.images());
  twins.seen(lowered.flat.output(), other.output());
  for (const auto& [step, node] : steps) {
    const auto found = other_steps.find(step);
    if (found == other_steps.end() || nodes.count(node) == 0) continue;
    if (other_nodes.count(found->second) == 0) continue;
    for (std::size_t i = 0; i < node->outputs().size(); ++i)
      twins.made(node->output(i), found->second->output(i));
    for (std::size_t i = 0; i < node->inputs().size(); ++i)
      twins.seen(node->input(i), found->second->input(i));
  }
  lowered.recording.in_training = twins.all();
}

// Constants that are weights have no names of their own.
void take_names(FlatGraph& other, const FlatGraph& from) {
  for (NamedTensor& tensor : other.tensors) {
    for (const NamedTensor& named : from.tensors) {
      if (named.tensor.is_same_size(tensor.tensor) && named.tensor.is_alias_of(tensor.tensor)) {
        tensor.name = named.name;
      }
    }
  }
}

}  // namespace

Lowered lower(torch::jit::Module module, const ExampleImages& images,
              const std::set<at::ScalarType>& converted) {
  const at::NoGradGuard no_grad;
  const auto forward = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*forward);
  ForwardWalk walk(module, images, converted, /*training=*/false);
  Lowered lowered = walk.run(*forward);
  if (!walk.depends_on_mode()) return lowered;
  module.train();
  try {
    ForwardWalk training(module, images, converted, /*training=*/true);
    Lowered other = training.run(*forward);
    take_names(other.flat, lowered.flat);
    connect(lowered, walk.steps(), other.flat, training.steps());
    lowered.training = {std::move(other.flat), std::move(other.recording)};
  } catch (const Error& error) {
    log::warn(str("training leaves out what this network does in training mode alone: ",
                  error.what(), " (", error.where(), ")"));
  }
  module.eval();
  return lowered;
}

}  // namespace tl
