#include "model/meaning.h"

#include "model/kinds.h"
#include "model/slice.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <set>
#include <string>

namespace tl {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

bool keeps_values(const Node* node) {
  static const std::set<std::string> kinds = {
      "aten::clone",      "aten::clamp",  "aten::clamp_min", "aten::clamp_max",
      "aten::contiguous", "aten::view",   "aten::reshape",   "aten::unsqueeze",
      "aten::squeeze",    "aten::slice",  "aten::flatten",   "aten::to",
      "aten::alias",      "aten::detach", "aten::dropout",   "aten::type_as"};
  return is_one_of(node, kinds);
}

// Of which the output is the softmax or sigmoid, moved about at most.
Value* argument_of(const FlatGraph& flat, const std::string& kind) {
  Value* value = flat.output();
  while (keeps_values(value->node()))
    value = value->node()->input(0);
  return is_one_of(value->node(), {kind}) ? value->node()->input(0) : nullptr;
}

bool are_probabilities(const at::Tensor& output) {
  const at::Tensor p = output.to(at::kDouble);
  return p.size(1) > 1 && p.ge(0).all().item<bool>() && p.le(1 + 1e-6).all().item<bool>() &&
         p.sum(1).sub(1).abs().lt(1e-3).all().item<bool>();
}

// Logarithms of smaller numbers would be those of nothing.
constexpr double smallest = 1e-30;

Value* logits_from(Graph& graph, Value* output, Meaning meaning) {
  Value* p = graph.insert(c10::aten::clamp_min, {output, smallest});
  Value* logits = graph.insert(c10::aten::log, {p});
  if (meaning == Meaning::probabilities) return logits;
  Value* rest = graph.insert(c10::aten::rsub, {output, 1.0});
  rest = graph.insert(c10::aten::clamp_min, {rest, smallest});
  return graph.insert(c10::aten::sub, {logits, graph.insert(c10::aten::log, {rest})});
}

Value* no_and_yes(Graph& graph, Value* logit) {
  Value* zero = graph.insert(c10::aten::zeros_like, {logit});
  Node* pair = graph.insertNode(graph.createList(c10::TensorType::get(), {zero, logit}));
  return graph.insert(c10::aten::cat, {pair->output(), 1});
}

}  // namespace

Meaning meaning_of(const FlatGraph& flat, const at::Tensor& output) {
  if (output.dim() != 2) return Meaning::logits;
  if (are_probabilities(output)) return Meaning::probabilities;
  return argument_of(flat, "aten::sigmoid") == nullptr ? Meaning::logits : Meaning::sigmoids;
}

FlatGraph up_to_logits(const Network& network) {
  const Meaning meaning = network.output;
  const Recording& recording = network.analysis.recording;
  const auto& sizes = recording.sizes[0].at(network.flat.output());
  Value* own = nullptr;
  if (meaning != Meaning::logits) {
    own = argument_of(network.flat,
                      meaning == Meaning::probabilities ? "aten::softmax" : "aten::sigmoid");
    if (own != nullptr && recording.sizes[0].at(own) != sizes) own = nullptr;
  }
  if (meaning != Meaning::logits) {
    log::info(str("this classifier gives ",
                  meaning == Meaning::probabilities ? "probabilities" : "sigmoids",
                  "; its logits are ",
                  own == nullptr ? "taken from their logarithms" : "what it made them of"));
  }
  FlatGraph flat = slice(network.flat, recording, network.flat.images(),
                         own == nullptr ? network.flat.output() : own);
  Graph& graph = *flat.graph;
  Value* logits = flat.output();
  graph.eraseOutput(0);
  if (meaning != Meaning::logits && own == nullptr) logits = logits_from(graph, logits, meaning);
  if (sizes.size() == 2 && sizes[1] == 1) logits = no_and_yes(graph, logits);
  graph.registerOutput(logits);
  return flat;
}

}  // namespace tl
