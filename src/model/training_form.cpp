#include "model/training_form.h"

#include "model/analysis.h"

#include <algorithm>
#include <functional>

namespace tl {

using torch::jit::Node;
using torch::jit::Value;

namespace {

bool is_cut_in_both(const TrainingForm& form, const Recording& recording, const Cut& cut) {
  const auto found = recording.in_training.find(cut.value);
  if (found == recording.in_training.end()) return false;
  const auto is_cut = [&](const Value* value) {
    return std::any_of(form.analysis.cuts.begin(), form.analysis.cuts.end(),
                       [&](const Cut& other) { return other.value == value; });
  };
  return is_cut(found->second.made) && is_cut(found->second.seen);
}

}  // namespace

std::shared_ptr<const TrainingForm> training_form(FlatGraph flat, Recording recording,
                                                  Analysis& analysis) {
  auto form = std::make_shared<TrainingForm>(TrainingForm{std::move(flat), {}});
  form->analysis = analyse(form->flat, std::move(recording));
  std::erase_if(analysis.cuts,
                [&](const Cut& cut) { return !is_cut_in_both(*form, analysis.recording, cut); });
  return form;
}

void keep_common_cuts(const TrainingForm& form, Analysis& analysis) {
  const auto common = [&](const Cut& cut) { return is_cut_in_both(form, analysis.recording, cut); };
  const auto last = std::find_if(analysis.cuts.rbegin(), analysis.cuts.rend(), common);
  const auto head = last.base();
  analysis.cuts.erase(std::remove_if(analysis.cuts.begin(), head, std::not_fn(common)), head);
}

const Cut* last_common_cut(const Analysis& analysis) {
  const Cut* last = nullptr;
  for (const Cut& cut : analysis.cuts) {
    if (analysis.recording.in_training.count(cut.value) > 0) last = &cut;
  }
  return last;
}

TrainingForm with_tensors_of(const Network& network, const TrainingForm& form) {
  TrainingForm own = form;
  for (NamedTensor& tensor : own.flat.tensors) {
    const auto found = std::find_if(
        network.flat.tensors.begin(), network.flat.tensors.end(),
        [&](const NamedTensor& named) { return !named.head && named.name == tensor.name; });
    if (found != network.flat.tensors.end()) {
      tensor = *found;
    } else {
      tensor.fixed = true;
      tensor.tensor = tensor.tensor.to(network.flat.tensors.front().tensor.device());
    }
  }
  return own;
}

std::size_t position_in_training(const Network& network, std::size_t position) {
  if (position >= network.analysis.nodes.size()) return 0;
  const Node* node = network.analysis.nodes[position];
  const auto& in_training = network.analysis.recording.in_training;
  const auto found = in_training.find(node->output(0));
  if (found == in_training.end()) return 0;
  const auto& positions = network.training->analysis.position;
  const auto place = positions.find(found->second.made->node());
  return place == positions.end() ? 0 : place->second;
}

FlatGraph joined(FlatGraph front, const FlatGraph& back) {
  std::unordered_map<Value*, Value*> here = {{back.images(), front.output()}};
  front.graph->eraseOutput(0);
  for (std::size_t i = 0; i < back.tensors.size(); ++i) {
    const NamedTensor& named = back.tensors[i];
    const auto same = [&](const NamedTensor& other) {
      return qualified_name(other) == qualified_name(named);
    };
    const auto found = std::find_if(front.tensors.begin(), front.tensors.end(), same);
    const auto index = static_cast<std::size_t>(found - front.tensors.begin());
    if (found == front.tensors.end()) {
      front.tensors.push_back(named);
      front.graph->addInput()->setType(back.graph->inputs()[i + 1]->type());
    }
    here[back.graph->inputs()[i + 1]] = front.graph->inputs()[index + 1];
  }
  for (Node* node : back.graph->nodes()) {
    Node* copy = front.graph->createClone(node, [&](Value* v) { return here.at(v); });
    front.graph->insertNode(copy);
    for (std::size_t i = 0; i < copy->outputs().size(); ++i)
      here[node->outputs()[i]] = copy->outputs()[i];
  }
  front.graph->registerOutput(here.at(back.output()));
  return front;
}

}  // namespace tl
