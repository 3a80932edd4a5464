#include "model/freeze.h"

#include "model/layer_names.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

namespace tl {
namespace {

// Of the first `all` layers: the classifier behind them is no layer of the backbone.
int layers_up_to(const std::vector<Layer>& layers, int all, const std::string& name) {
  std::vector<std::string> names;
  for (int i = 0; i < all; ++i)
    names.push_back(layers[static_cast<std::size_t>(i)].name);
  if (const auto place = last_layer_called(names, name)) return static_cast<int>(*place) + 1;
  std::vector<std::string> choices = names_for_layers(names);
  choices.insert(choices.begin(), {"all", "none"});
  const std::string near = nearest(name, choices);
  throw Error(ExitCode::usage, str("the backbone has no layer \"", name, "\""), "backbone.freeze",
              near.empty() ? "tl-inspect lists the layers" : str("did you mean \"", near, "\"?"));
}

int layers_to_freeze(const std::vector<Layer>& layers, const Freeze& choice) {
  const bool classifier = !layers.empty() && layers.back().classifier;
  const int all = static_cast<int>(layers.size()) - (classifier ? 1 : 0);
  if (const auto* word = std::get_if<FreezeWord>(&choice))
    return *word == FreezeWord::all ? all : 0;
  if (const auto* name = std::get_if<std::string>(&choice)) return layers_up_to(layers, all, *name);
  const int k = std::get<int>(choice);
  if (k < 0 || k > all) {
    throw Error(ExitCode::usage, str("the backbone has ", all, " layers; ", k, " can't be frozen"),
                "backbone.freeze", str("give a number from 0 to ", all, ", or \"all\""));
  }
  return k;
}

}  // namespace

int Model::freeze(const Freeze& choice) {
  Network& network = *network_;
  network.frozen_layers = layers_to_freeze(network.layers, choice);
  for (NamedTensor& tensor : network.flat.tensors)
    tensor.frozen = false;
  for (int i = 0; i < network.frozen_layers; ++i) {
    for (const std::size_t t : network.analysis.layers[static_cast<std::size_t>(i)].tensors) {
      network.flat.tensors[t].frozen = true;
    }
  }
  return network.frozen_layers;
}

int Model::frozen_layers() const {
  return network_->frozen_layers;
}

std::size_t training_begins(const Network& network) {
  const auto k = static_cast<std::size_t>(network.frozen_layers);
  if (k < network.layers.size()) return network.analysis.layers[k].first;
  const torch::jit::Node* head = network.flat.head;
  return head == nullptr ? network.analysis.nodes.size() : network.analysis.position.at(head);
}

const Cut& prefix_end(const Network& network) {
  // What stands in front of the first layer (a padding, say) is not worth a prefix.
  if (network.frozen_layers == 0 && !network.layers.empty()) return network.analysis.cuts.front();
  const std::size_t begin = training_begins(network);
  const Cut* last = &network.analysis.cuts.front();
  for (const Cut& cut : network.analysis.cuts) {
    if (cut.position <= begin) last = &cut;
  }
  return *last;
}

}  // namespace tl
