// The three ways to run a model: whole, its frozen prefix, and what is trained behind it.
#include "model/kinds.h"
#include "model/piece.h"
#include "model/slice.h"
#include "tl/model/model.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/Device.h>
#include <torch/csrc/jit/ir/constants.h>

namespace tl {
namespace {

at::Device device_of(const Network& network) {
  return network.flat.tensors.empty() ? at::Device(at::kCPU)
                                      : network.flat.tensors.front().tensor.device();
}

Piece cut_out(const Network& network, torch::jit::Value* from, torch::jit::Value* to) {
  return Piece(slice(network.flat, network.analysis.recording, from, to));
}

}  // namespace

// --- Classifier ---

struct Classifier::State {
  FileInfo info;
  at::Device device;
  Piece whole;
};

Classifier::Classifier(const Model& model)
    : state_(std::make_unique<State>(State{model.info(), device_of(model.network()),
                                           cut_out(model.network(), model.network().flat.images(),
                                                   model.network().flat.output())})) {}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

at::Tensor Classifier::logits(const at::Tensor& images) const {
  const at::NoGradGuard no_grad;
  return state_->whole.run(to_input(images, state_->info, state_->device));
}

// --- Prefix ---

struct Prefix::State {
  FileInfo info;
  at::Device device;
  Piece piece;
};

Prefix::Prefix(const Model& model)
    : state_(std::make_unique<State>(State{model.info(), device_of(model.network()),
                                           cut_out(model.network(), model.network().flat.images(),
                                                   prefix_end(model.network()).value)})) {}
Prefix::~Prefix() = default;
Prefix::Prefix(Prefix&&) noexcept = default;

at::Tensor Prefix::features(const at::Tensor& images) const {
  const at::NoGradGuard no_grad;
  return state_->piece.run(to_input(images, state_->info, state_->device));
}

// --- Trainee ---

namespace {

using torch::jit::Node;

// Batch-norm uses batch statistics where its own are not frozen and `batch_norm` says so; dropout
// is on from where training begins.
void set_training_mode(const Network& network, BatchNorm batch_norm, Node* original, Node* copy) {
  const torch::jit::WithInsertPoint here(copy);
  if (is_dropout(original)) {
    const auto place = network.analysis.position.find(original);
    if (place == network.analysis.position.end()) return;  // of a weight, not of an image
    if (place->second < training_begins(network)) return;
    copy->replaceInput(2, copy->owningGraph()->insertConstant(true));
  } else if (is_batch_norm(original) && batch_norm == BatchNorm::train) {
    constexpr std::size_t running_mean = 3;
    constexpr std::size_t training = 5;
    const auto* statistics = original->input(running_mean);
    const bool lifted = statistics->node()->kind() == torch::jit::prim::Param;
    if (!lifted || network.flat.tensors.at(statistics->offset() - 1).frozen) return;
    copy->replaceInput(training, copy->owningGraph()->insertConstant(true));
  }
}

Piece cut_out_for_training(const Network& network, BatchNorm batch_norm) {
  return Piece(slice(
      network.flat, network.analysis.recording, prefix_end(network).value, network.flat.output(),
      [&](Node* original, Node* copy) { set_training_mode(network, batch_norm, original, copy); }));
}

}  // namespace

struct Trainee::State {
  Piece training;
  Piece evaluation;
};

Trainee::Trainee(const Model& model, BatchNorm batch_norm)
    : state_(
          std::make_unique<State>(State{cut_out_for_training(model.network(), batch_norm),
                                        cut_out(model.network(), prefix_end(model.network()).value,
                                                model.network().flat.output())})) {
  for (const NamedTensor& named : state_->training.tensors()) {
    const at::Tensor& tensor = named.tensor;
    tensor.set_requires_grad(named.parameter && !named.frozen);
  }
}
Trainee::~Trainee() = default;
Trainee::Trainee(Trainee&&) noexcept = default;

at::Tensor Trainee::logits(const at::Tensor& features, bool training) const {
  if (training) return state_->training.run(features);
  const at::NoGradGuard no_grad;
  return state_->evaluation.run(features);
}

std::vector<at::Tensor> Trainee::head_parameters() const {
  return parameters(true);
}
std::vector<at::Tensor> Trainee::backbone_parameters() const {
  return parameters(false);
}

std::vector<at::Tensor> Trainee::parameters(bool head) const {
  std::vector<at::Tensor> chosen;
  for (const NamedTensor& named : state_->training.tensors()) {
    if (named.parameter && !named.frozen && named.head == head) chosen.push_back(named.tensor);
  }
  return chosen;
}

std::vector<std::pair<std::string, at::Tensor>> Trainee::state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (const NamedTensor& named : state_->training.tensors()) {
    if (!named.frozen) state.emplace_back(qualified_name(named), named.tensor);
  }
  return state;
}

}  // namespace tl
