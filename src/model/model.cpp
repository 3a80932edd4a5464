#include "tl/model/model.h"

#include "model/analysis.h"
#include "model/head.h"
#include "model/lower.h"
#include "model/network.h"
#include "model/piece.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <set>

namespace tl {
namespace {

constexpr const char* export_hint =
    "export the network again (scripts/export_backbone NAME OUT.pt, or torch.jit.save)";

torch::jit::Module read_module(const std::filesystem::path& file) try {
  return torch::jit::load(file.string(), c10::kCPU);
} catch (const std::exception& error) {
  if (is_out_of_memory(error)) throw;
  const std::string text = error.what();
  throw Error(ExitCode::model, str("LibTorch can't load it: ", text.substr(0, text.find('\n'))),
              file.string(), export_hint);
}

// A tensor may repeat a few bytes of its file as often as it likes; but whoever copies it pays.
void check_tensors(const torch::jit::Module& module, const std::string& file) {
  constexpr std::size_t legal = std::size_t{1} << 30;  // bytes
  const auto check = [&](const auto& tensors) {
    for (const auto& [name, tensor] : tensors) {
      if (!tensor.defined() || tensor.nbytes() <= std::max(legal, tensor.storage().nbytes()))
        continue;
      throw Error(ExitCode::model,
                  str("the tensor ", name, " would take ", tensor.nbytes() >> 30,
                      " GiB of memory, but has ", tensor.storage().nbytes(), " bytes in the file"),
                  file, export_hint);
    }
  };
  check(module.named_parameters());
  check(module.named_buffers());
}

// In eval mode and in fp32.
torch::jit::Module load_module(const std::filesystem::path& file) {
  torch::jit::Module module = read_module(file);
  if (!module.find_method("forward")) {
    throw Error(ExitCode::model, "it holds tensors, but no network: it has no forward",
                file.string(), export_hint);
  }
  check_tensors(module, file.string());
  module.eval();
  for (const auto& parameter : module.parameters()) {
    const auto type = parameter.scalar_type();
    if (type != c10::kHalf && type != c10::kBFloat16) continue;
    module.to(c10::kFloat);
    break;
  }
  return module;
}

// The flat graph must give what the module gives, whatever the lowering met. The second batch
// shows it: a number that follows the batch, and was taken for a constant, is that of the first.
void check_faithful(const Lowered& lowered, const ExampleImages& images, const std::string& file) {
  const at::NoGradGuard no_grad;
  const at::Tensor output = Piece(lowered.flat).run(images[1]);
  const at::Tensor& expected = lowered.outputs[1];
  if (output.sizes() == expected.sizes() && at::allclose(output, expected, 1e-3, 1e-4, true)) {
    return;
  }
  throw Error(ExitCode::model,
              "this network can't be lowered: its flat graph computes something else", file,
              "it changes views of a tensor in place; export a network that doesn't");
}

void check_output(const Analysis& analysis, const FlatGraph& flat, const std::string& file) {
  const auto& first = analysis.recording.sizes[0].at(flat.output());
  const auto& second = analysis.recording.sizes[1].at(flat.output());
  if (first.size() >= 2 && first[0] == Recording::batches[0] &&
      second[0] == Recording::batches[1]) {
    return;
  }
  throw Error(ExitCode::model, "the network's output has no row for each image", file,
              "export a network that takes any batch size (a trace may have fixed it)");
}

// Our own files keep their parameters under backbone. and head.; in a network made from one, the
// backbone's names stay the same from generation to generation, and an old head makes room for the
// new.
void shorten_names(FlatGraph& flat) {
  for (NamedTensor& tensor : flat.tensors) {
    if (tensor.name.rfind("backbone.", 0) == 0) {
      tensor.name = tensor.name.substr(9);
    } else {
      tensor.name = "previous_" + tensor.name;
    }
  }
}

std::vector<Layer> public_layers(const FlatGraph& flat, const Analysis& analysis) {
  std::vector<Layer> layers;
  for (const PlacedLayer& placed : analysis.layers) {
    const bool head = flat.tensors[placed.tensors.front()].head;
    if (!head) layers.push_back(placed.layer);
  }
  return layers;
}

}  // namespace

std::string qualified_name(const NamedTensor& named) {
  return (named.head ? "" : "backbone.") + named.name;
}

Model::Model() : network_(std::make_unique<Network>()) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model Model::load(const std::filesystem::path& file, const std::optional<InputSpec>& input) {
  Model model;
  model.info_ = read_file_info(file, input);
  const torch::jit::Module module = load_module(file);
  const ExampleImages images = example_images(model.info_.input);
  Lowered lowered = lower(module, images);
  if (model.info_.normalises) shorten_names(lowered.flat);
  check_faithful(lowered, images, file.string());
  Network& network = *model.network_;
  network.code = module._ivalue()->compilation_unit();
  network.analysis = analyse(lowered.flat, std::move(lowered.recording));
  check_output(network.analysis, lowered.flat, file.string());
  network.flat = std::move(lowered.flat);
  network.layers = public_layers(network.flat, network.analysis);
  if (has_classifier(network.flat, network.analysis)) network.layers.back().classifier = true;
  return model;
}

const FileInfo& Model::info() const {
  return info_;
}
const std::vector<Layer>& Model::layers() const {
  return network_->layers;
}
int Model::frozen_layers() const {
  return network_->frozen_layers;
}

std::int64_t Model::outputs() const {
  const auto& sizes = network_->analysis.recording.sizes[0].at(network_->flat.output());
  return sizes.size() == 2 ? sizes[1] : 0;
}

void Model::attach_head(const HeadOptions& options, int classes, std::uint64_t seed) {
  Network& network = *network_;
  const FeaturePoint point = feature_point(network.flat, network.analysis, options.pool);
  auto [flat, recording] = with_head(network.flat, network.analysis, point, options, classes, seed);
  network.flat = std::move(flat);
  network.analysis = analyse(network.flat, std::move(recording));
  network.layers = public_layers(network.flat, network.analysis);
}

namespace {

// Of the first `all` layers: the classifier behind them is no layer of the backbone.
int layers_up_to(const std::vector<Layer>& layers, int all, const std::string& name) {
  std::vector<std::string> names;
  for (auto i = static_cast<std::size_t>(all); i > 0; --i) {
    const std::string& candidate = layers[i - 1].name;
    if (candidate == name || candidate.rfind(name + ".", 0) == 0) return static_cast<int>(i);
    names.push_back(candidate);
  }
  const std::string near = nearest(name, names);
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

Totals Model::totals() const {
  Totals totals;
  for (const NamedTensor& tensor : network_->flat.tensors) {
    if (!tensor.parameter) continue;
    totals.all += tensor.tensor.numel();
    (tensor.frozen ? totals.frozen : totals.trainable) += tensor.tensor.numel();
  }
  return totals;
}

void Model::to(const c10::Device& device) {
  for (NamedTensor& tensor : network_->flat.tensors)
    tensor.tensor = tensor.tensor.to(device);
  for (torch::jit::Node* node : network_->flat.graph->nodes()) {
    if (node->kind() != torch::jit::prim::Constant) continue;
    const auto value = torch::jit::toIValue(node->output());
    const torch::jit::WithInsertPoint here(node);
    if (value && value->isDevice()) {
      node->output()->replaceAllUsesWith(network_->flat.graph->insertConstant(device));
    } else if (value && value->isTensor() && value->toTensor().defined()) {
      node->output()->replaceAllUsesWith(
          network_->flat.graph->insertConstant(value->toTensor().to(device)));
    }
  }
}

std::vector<std::pair<std::string, at::Tensor>> Model::tensors() const {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const NamedTensor& tensor : network_->flat.tensors) {
    all.emplace_back(qualified_name(tensor), tensor.tensor);
  }
  return all;
}

std::vector<std::string> Model::frozen_tensors() const {
  std::vector<std::string> names;
  for (const NamedTensor& tensor : network_->flat.tensors) {
    if (tensor.frozen) names.push_back(qualified_name(tensor));
  }
  return names;
}

}  // namespace tl
