#include "model/api/execute.h"
#include "model/api/input.h"
#include "model/bf16.h"
#include "model/depthwise.h"
#include "model/fold_norms.h"
#include "model/freeze.h"
#include "model/kinds.h"
#include "model/slice.h"
#include "tl/model/model.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/ir/constants.h>

namespace tl {
namespace {

using torch::jit::Node;

// Batch-norm uses batch statistics where its own are not frozen and `mode` says so; dropout
// is on from where training begins.
void set_training_mode(const Network& network, BatchNorm mode, Node* original, Node* copy) {
  const torch::jit::WithInsertPoint here(copy);
  if (is_dropout(original)) {
    const auto place = network.analysis.position.find(original);
    if (place == network.analysis.position.end()) return;  // of a weight, not of an image
    if (place->second < training_begins(network)) return;
    copy->replaceInput(2, copy->owningGraph()->insertConstant(true));
  } else if (is_batch_norm(original) && mode == BatchNorm::train) {
    const auto* statistics = original->input(batch_norm::running_mean);
    const bool lifted = statistics->node()->kind() == torch::jit::prim::Param;
    if (!lifted || network.flat.tensors.at(statistics->offset() - 1).frozen) return;
    copy->replaceInput(batch_norm::training, copy->owningGraph()->insertConstant(true));
  }
}

Piece cut_out(const Network& network, Precision precision, const NodeCopied& copied) {
  FlatGraph flat = slice(network.flat, network.analysis.recording, prefix_end(network).value,
                         network.flat.output(), copied);
  fold_norms(flat);
  speed_up_depthwise(flat);
  if (precision == Precision::bf16) compute_in_bf16(*flat.graph);
  return Piece(std::move(flat));
}

Piece cut_out_for_training(const Network& network, Precision precision, BatchNorm batch_norm) {
  return cut_out(network, precision, [&](Node* original, Node* copy) {
    set_training_mode(network, batch_norm, original, copy);
  });
}

// The memory layout that convolutions are fast in.
at::Tensor channels_last(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor;
}

}  // namespace

struct Trainee::State {
  Piece training;
  Piece evaluation;
  Precision precision;

  at::Tensor run(const Piece& piece, const at::Tensor& features) const {
    return piece.run(channels_last(features.to(scalar_type(precision)))).to(at::kFloat);
  }
};

Trainee::Trainee(const Model& model, BatchNorm batch_norm, Precision precision)
    : state_(std::make_unique<State>(
          State{cut_out_for_training(network_of(model), precision, batch_norm),
                cut_out(network_of(model), precision, {}), precision})) {
  for (const NamedTensor& named : state_->training.tensors()) {
    at::Tensor tensor = named.tensor;
    tensor.set_data(channels_last(tensor));
    tensor.set_requires_grad(named.parameter && !named.frozen);
  }
}
Trainee::~Trainee() = default;
Trainee::Trainee(Trainee&&) noexcept = default;

at::Tensor Trainee::logits(const at::Tensor& features, bool training) const {
  if (training) return state_->run(state_->training, features);
  const at::NoGradGuard no_grad;
  return state_->run(state_->evaluation, features);
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

void check_cut(const Model& model) {
  const Network& network = network_of(model);
  slice(network.flat, network.analysis.recording, prefix_end(network).value, network.flat.output());
}

std::vector<std::pair<std::string, at::Tensor>> Trainee::state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (const NamedTensor& named : state_->training.tensors()) {
    if (!named.frozen) state.emplace_back(qualified_name(named), named.tensor);
  }
  return state;
}

}  // namespace tl
