#include "model/api/execute.h"
#include "model/api/input.h"
#include "model/bf16.h"
#include "model/depthwise.h"
#include "model/fold_norms.h"
#include "model/freeze.h"
#include "model/kinds.h"
#include "model/modes.h"
#include "model/slice.h"
#include "model/training_form.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/model/model.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/rand.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <functional>
#include <set>

namespace tl {
namespace {

using torch::jit::Node;
using torch::jit::Value;

// Where the running statistics are means over all batches so far, their number grows.
void count_batch(Node* norm) {
  const Node* share = norm->input(batch_norm::momentum)->node();
  if (share->kind() != c10::aten::div) return;  // see FlatBuilder::cumulative_momentum
  torch::jit::Value* batches = share->input(1)->node()->input(0)->node()->input(0);
  const torch::jit::WithInsertPoint behind(norm->next());
  norm->owningGraph()->insert(c10::aten::add_, {batches, 1});
}

// What decides over the modes of a graph's operations.
struct Modes {
  const FlatGraph& flat;
  BatchNorm batch_norm;
  std::function<bool(const Node*)> is_trained;  // stands where training has begun
};

// Norms use batch statistics where their own are not frozen and `batch_norm` says so; dropout and
// its relatives are on from where training begins.
void set_training_mode(const Modes& modes, Node* original, Node* copy) {
  const auto mode = mode_argument(original);
  if (!mode) return;
  const torch::jit::WithInsertPoint here(copy);
  const auto turn_on = [&] {
    copy->replaceInput(*mode, copy->owningGraph()->insertConstant(true));
  };
  if (!keeps_statistics(original)) {
    if (modes.is_trained(original)) turn_on();
  } else if (modes.batch_norm == BatchNorm::train) {
    const auto* statistics = original->input(batch_norm::running_mean);
    const bool lifted = statistics->node()->kind() == torch::jit::prim::Param;
    if (!lifted || modes.flat.tensors.at(statistics->offset() - 1).frozen) return;
    turn_on();
    count_batch(copy);
  }
}

FlatGraph cut_out(const Network& network, Value* from, const NodeCopied& copied = {}) {
  return slice(network.flat, network.analysis.recording, from, network.flat.output(), copied);
}

FlatGraph cut_out_for_training(const Network& network, BatchNorm batch_norm) {
  const Modes modes{network.flat, batch_norm, [&](const Node* node) {
                      const auto place = network.analysis.position.find(node);
                      return place != network.analysis.position.end() &&  // else of a weight
                             place->second >= training_begins(network);
                    }};
  const auto copied = [&](Node* original, Node* copy) { set_training_mode(modes, original, copy); };
  const Cut& begin = prefix_end(network);
  const Cut* end = network.training == nullptr ? nullptr : last_common_cut(network.analysis);
  if (end == nullptr || end->position <= begin.position) {
    return cut_out(network, begin.value, copied);
  }
  const TrainingForm form = with_tensors_of(network, *network.training);
  const std::size_t first = position_in_training(network, training_begins(network));
  const Modes own{form.flat, batch_norm, [&](const Node* node) {
                    const auto place = form.analysis.position.find(node);
                    return place != form.analysis.position.end() && place->second >= first;
                  }};
  const auto& in_training = network.analysis.recording.in_training;
  FlatGraph front = slice(form.flat, form.analysis.recording, in_training.at(begin.value).made,
                          in_training.at(end->value).seen, [&](Node* original, Node* copy) {
                            set_training_mode(own, original, copy);
                          });
  return joined(std::move(front), cut_out(network, end->value, copied));
}

// LibTorch's gradient of group_norm in channels-last memory crashes where its input needs none.
void keep_group_norm_from_crashing(FlatGraph& flat) {
  std::set<const Value*> learns;
  for (std::size_t i = 0; i < flat.tensors.size(); ++i) {
    if (flat.tensors[i].trains()) learns.insert(flat.graph->inputs()[i + 1]);
  }
  const auto learns_now = [&](const Value* value) { return learns.count(value) > 0; };
  for (Node* node : flat.graph->nodes()) {
    if (node->kind() == c10::aten::group_norm && !learns_now(node->input(0))) {
      const torch::jit::WithInsertPoint here(node);
      node->replaceInput(0, flat.graph->insert(c10::aten::contiguous, {node->input(0)}));
    }
    if (std::any_of(node->inputs().begin(), node->inputs().end(), learns_now)) {
      learns.insert(node->outputs().begin(), node->outputs().end());
    }
  }
}

void make_fast(FlatGraph& flat) {
  fold_norms(flat);
  speed_up_depthwise(flat);
}

// The memory layout that convolutions are fast in.
at::Tensor channels_last(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor;
}

}  // namespace

struct Trainee::State {
  Piece training;
  Piece evaluation;

  static at::Tensor run(const Piece& piece, const at::Tensor& features) {
    return piece.run(channels_last(features.to(at::kFloat))).to(at::kFloat);
  }
};

Trainee::Trainee(const Model& model, BatchNorm batch_norm, Precision precision) {
  const Network& network = network_of(model);
  FlatGraph training = cut_out_for_training(network, batch_norm);
  FlatGraph evaluation = cut_out(network, prefix_end(network).value);
  make_fast(training);
  make_fast(evaluation);
  keep_group_norm_from_crashing(training);
  if (precision == Precision::bf16) {
    const auto& sizes = network.analysis.recording.sizes[0].at(prefix_end(network).value);
    const at::Tensor features = at::rand(sizes, model.device());
    for (const std::string& part : compute_in_bf16(training, features, /*with_gradients=*/true))
      log::info("computed in fp32, since it fails in bf16: " + part);
    compute_in_bf16(evaluation, features, /*with_gradients=*/false);
  }
  state_ = std::make_unique<State>(State{Piece(std::move(training)), Piece(std::move(evaluation))});
  for (const NamedTensor& named : state_->training.tensors()) {
    at::Tensor tensor = named.tensor;
    tensor.set_data(channels_last(tensor));
    tensor.set_requires_grad(named.trains());
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
    if (named.trains() && named.head == head) chosen.push_back(named.tensor);
  }
  return chosen;
}

void check_cut(const Model& model) {
  const Network& network = network_of(model);
  const bool trains_backbone = network.frozen_layers < static_cast<int>(network.layers.size());
  if (network.training != nullptr && network.head_inputs.size() > 1 && trains_backbone) {
    throw Error(ExitCode::usage,
                "this network computes in another way while it is trained, and then a head can get "
                "features of its last layer alone",
                "head.inputs", R"(set it to "last", or backbone.freeze to "all")");
  }
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
