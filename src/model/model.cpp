#include "tl/model/model.h"

#include "model/analysis.h"
#include "model/export_hint.h"
#include "model/faithful.h"
#include "model/head.h"
#include "model/lower.h"
#include "model/meaning.h"
#include "model/network.h"
#include "model/training_form.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/stopwatch.h"
#include "tl/base/text.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <map>
#include <set>

namespace tl {
namespace {

torch::jit::Module read_module(const std::filesystem::path& file) try {
  return torch::jit::load(file.string(), c10::kCPU);
} catch (const std::exception& error) {
  if (is_out_of_memory(error)) throw;
  throw Error(ExitCode::model, "LibTorch can't load it: " + first_line(error.what()), file.string(),
              export_hint);
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

struct Loaded {
  torch::jit::Module module;           // in eval mode and in fp32
  std::set<at::ScalarType> converted;  // the types that its parameters had
};

// A scripted LSTM keeps its weights a second time, in a list. In a file both share their memory,
// but are two tensors: here they become one, which is named, frozen, trained and converted.
void unite_lists(const torch::jit::Module& module) {
  std::map<const void*, at::Tensor> by_memory;
  for (const auto& parameter : module.parameters())
    by_memory.emplace(parameter.const_data_ptr(), parameter);
  for (const auto& attribute : module.named_attributes()) {
    if (!attribute.value.isTensorList()) continue;
    auto list = attribute.value.toTensorList();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const at::Tensor element = list.get(i);
      const auto found = by_memory.find(element.defined() ? element.const_data_ptr() : nullptr);
      if (found != by_memory.end() && found->second.sizes() == element.sizes()) {
        list.set(i, found->second);
      }
    }
  }
}

// Module::to() would take integers along, which may be indices.
void make_float(torch::jit::Module& module, const std::set<at::ScalarType>& types) {
  const auto convert = [&](at::Tensor tensor) {
    if (types.count(tensor.scalar_type()) > 0) tensor.set_data(tensor.to(c10::kFloat));
  };
  for (const auto& parameter : module.parameters())
    convert(parameter);
  for (const auto& buffer : module.buffers())
    convert(buffer);
}

Loaded load_module(const std::filesystem::path& file) {
  Loaded loaded{read_module(file), {}};
  torch::jit::Module& module = loaded.module;
  if (!module.find_method("forward")) {
    throw Error(ExitCode::model, "it holds tensors, but no network: it has no forward",
                file.string(), export_hint);
  }
  check_tensors(module, file.string());
  module.eval();
  unite_lists(module);
  for (const auto& parameter : module.parameters()) {
    const auto type = parameter.scalar_type();
    if (parameter.is_floating_point() && type != c10::kFloat) loaded.converted.insert(type);
  }
  make_float(module, loaded.converted);
  return loaded;
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

void take(Network& network, Headed headed) {
  network.flat = std::move(headed.flat);
  network.head_inputs = std::move(headed.inputs);
  network.analysis = analyse(network.flat, std::move(headed.recording));
  if (network.training) keep_common_cuts(*network.training, network.analysis);
  network.layers = public_layers(network.flat, network.analysis);
}

// Of the graph that depends on the images.
std::string facts(const Network& network) {
  const Analysis& analysis = network.analysis;
  return str(count(std::ssize(analysis.nodes), "operation"), ", ",
             count(std::ssize(network.flat.tensors), "tensor"), ", ",
             count(std::ssize(network.layers), "layer"), ", ",
             count(std::ssize(analysis.cuts), "cut"));
}

}  // namespace

std::string qualified_name(const NamedTensor& named) {
  return (named.head ? "" : "backbone.") + named.name;
}

c10::Device device_of(const std::vector<NamedTensor>& tensors) {
  return tensors.empty() ? c10::Device(c10::kCPU) : tensors.front().tensor.device();
}

const Network& network_of(const Model& model) {
  return *model.network_;
}

Model::Model() : network_(std::make_unique<Network>()) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model Model::load(const std::filesystem::path& file, const std::optional<InputSpec>& input) {
  Model model;
  model.info_ = read_file_info(file, input);
  const Stopwatch loading;
  const auto [module, converted] = load_module(file);
  log::debug(str("model: loaded ", file.string(), " in ", fixed(loading.seconds(), 2), " s"));
  const Stopwatch lowering;
  const ExampleImages images = example_images(model.info_.input);
  Lowered lowered = lower(module, images, converted);
  if (model.info_.normalises) shorten_names(lowered.flat);
  check_faithful(lowered, module, images);
  Network& network = *model.network_;
  network.code = module._ivalue()->compilation_unit();
  network.output = meaning_of(lowered.flat, lowered.outputs[1]);
  network.analysis = analyse(lowered.flat, std::move(lowered.recording));
  check_output(network.analysis, lowered.flat, file.string());
  if (lowered.training) {
    auto& [flat, recording] = *lowered.training;
    network.training = training_form(std::move(flat), std::move(recording), network.analysis);
  }
  network.flat = std::move(lowered.flat);
  network.layers = public_layers(network.flat, network.analysis);
  if (classifier(network.flat, network.analysis) != nullptr)
    network.layers.back().classifier = true;
  log::debug(
      str("model: lowered and checked in ", fixed(lowering.seconds(), 2), " s; ", facts(network)));
  return model;
}

const FileInfo& Model::info() const {
  return info_;
}
const std::vector<Layer>& Model::layers() const {
  return network_->layers;
}

std::int64_t Model::outputs() const {
  const auto& sizes = network_->analysis.recording.sizes[0].at(network_->flat.output());
  if (sizes.size() != 2) return 0;
  return sizes[1] == 1 ? 2 : sizes[1];  // see up_to_logits
}

void Model::attach_head(const HeadOptions& options, int classes, std::uint64_t seed) {
  Network& network = *network_;
  const auto points = head_points(network.flat, network.analysis, options);
  take(network, with_head(network.flat, network.analysis, points, options, classes, seed));
  network.output = Meaning::logits;
  log::debug(str("model: head attached; ", facts(network)));
}

const std::vector<HeadInput>& Model::head_inputs() const {
  return network_->head_inputs;
}

Model Model::without_idle_inputs() const {
  Model lean;
  lean.info_ = info_;
  *lean.network_ = *network_;
  if (network_->head_inputs.size() > 1) {
    take(*lean.network_, tl::without_idle_inputs(network_->flat, network_->analysis.recording,
                                                 network_->head_inputs));
  }
  return lean;
}

Totals Model::totals() const {
  Totals totals;
  for (const NamedTensor& tensor : network_->flat.tensors) {
    if (!tensor.parameter) continue;
    totals.all += tensor.tensor.numel();
    (tensor.trains() ? totals.trainable : totals.frozen) += tensor.tensor.numel();
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

c10::Device Model::device() const {
  return device_of(network_->flat.tensors);
}

std::vector<std::pair<std::string, at::Tensor>> Model::tensors() const {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const NamedTensor& tensor : network_->flat.tensors) {
    all.emplace_back(qualified_name(tensor), tensor.tensor);
  }
  return all;
}

}  // namespace tl
