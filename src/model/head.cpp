#include "model/head.h"

#include "model/kinds.h"
#include "model/recording.h"
#include "model/slice.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unistd.h>

namespace tl {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// What may stand between the classifier's logits and the network's output.
bool may_follow_logits(const Node* node, bool convolutional) {
  static const std::set<std::string> always = {
      "aten::softmax", "aten::log_softmax", "aten::sigmoid",   "aten::flatten",
      "aten::squeeze", "aten::view",        "aten::reshape",   "aten::adaptive_avg_pool2d",
      "aten::mean",    "aten::avg_pool2d",  "aten::contiguous"};
  const std::string kind = node->kind().toQualString();
  return always.count(kind) > 0 || is_dropout(node) || (convolutional && kind == "aten::relu");
}

const PlacedLayer* classifier(const FlatGraph& flat, const Analysis& analysis) {
  if (analysis.layers.empty()) return nullptr;
  const PlacedLayer& last = analysis.layers.back();
  const bool convolutional = last.layer.kind == "conv 1x1";
  if (last.layer.kind != "linear" && !convolutional) return nullptr;
  if (analysis.recording.sizes[0].at(flat.output()).size() != 2) return nullptr;
  for (std::size_t i = last.last + 1; i < analysis.nodes.size(); ++i) {
    if (!may_follow_logits(analysis.nodes[i], convolutional)) return nullptr;
  }
  return &last;
}

// A feature map or a token sequence that is not pooled yet.
bool has_places(const std::vector<std::int64_t>& sizes) {
  if (sizes.size() == 4) return sizes[2] * sizes[3] > 1;
  return sizes.size() == 3 && sizes[1] > 1;
}

// The cut with this value; dropout in front of it is the head's business.
FeaturePoint cut_at(const Analysis& analysis, Value* value) {
  while (is_dropout(value->node()))
    value = value->node()->input(0);
  for (const Cut& cut : analysis.cuts) {
    if (cut.value == value) return {cut.value, cut.position};
  }
  throw Error(ExitCode::model,
              "more than one tensor goes into the classifier, so no head fits there",
              value->debugName(), "export the network without its classifier");
}

// Weights, gradients and the optimizer's two moments, each of four bytes.
void require_memory(double parameters) {
  const double memory =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (16 * parameters <= memory) return;
  throw Error(ExitCode::usage,
              str("the head would have ", fixed(parameters / 1e9, 1),
                  " billion parameters; to train them takes ", fixed(16 * parameters / 1e9, 0),
                  " GB, and this machine has ", fixed(memory / 1e9, 0)),
              "head.hidden", "give fewer or narrower layers, or another head.pool");
}

// Builds the head at the end of a graph.
class HeadBuilder {
 public:
  HeadBuilder(FlatGraph& flat, std::vector<std::int64_t> sizes, bool channels_last,
              std::uint64_t seed)
      : flat_(flat),
        sizes_(std::move(sizes)),
        channels_last_(channels_last),
        generator_(at::make_generator<at::CPUGeneratorImpl>(seed)),
        value_(flat.output()) {
    flat_.graph->eraseOutput(0);
  }

  void pool(Pool how) {
    if (sizes_.size() > 4 || sizes_.size() < 2) {
      throw Error(ExitCode::model, str("a head takes no features of rank ", sizes_.size()), "",
                  "export the network with its own pooling");
    }
    Graph& graph = *flat_.graph;
    if (sizes_.size() > 2 && how == Pool::flatten) {
      for (std::size_t i = 2; i < sizes_.size(); ++i)
        sizes_[1] *= sizes_[i];
      value_ = graph.insert(c10::aten::flatten, {value_, 1});
    } else if (sizes_.size() > 2) {
      std::vector<std::int64_t> places = {2, 3};
      if (sizes_.size() == 3) places = {1};
      if (sizes_.size() == 4 && channels_last_) places = {1, 2};
      if (places[0] == 1) sizes_[1] = sizes_.back();
      value_ = how == Pool::max
                   ? graph.insert(c10::aten::amax, {value_, places, false})
                   : graph.insert(c10::aten::mean, {value_, c10::IValue(places), false});
    }
    sizes_.resize(2);
  }

  void dropout(double p) {
    if (p > 0) layer(flat_.graph->insert(c10::aten::dropout, {value_, p, false}));
  }

  void relu() { value_ = flat_.graph->insert(c10::aten::relu, {value_}); }

  // Initialised as torch.nn.Linear is: U(-b, b) with b = 1 / sqrt(inputs).
  void linear(std::int64_t outputs) {
    parameters_ += static_cast<double>(outputs) * static_cast<double>(sizes_[1]);
    require_memory(parameters_);
    const double bound = 1.0 / std::sqrt(static_cast<double>(sizes_[1]));
    const std::string name = str("head.", index_++);
    Value* weight = add(name + ".weight", {outputs, sizes_[1]}, bound);
    Value* bias = add(name + ".bias", {outputs}, bound);
    layer(flat_.graph->insert(c10::aten::linear, {value_, weight, bias}));
    sizes_[1] = outputs;
  }

  void finish() { flat_.graph->registerOutput(value_); }

 private:
  void layer(Value* output) {
    if (flat_.head == nullptr) flat_.head = output->node();
    value_ = output;
  }

  Value* add(const std::string& name, at::IntArrayRef sizes, double bound) {
    NamedTensor tensor{name, at::empty(sizes).uniform_(-bound, bound, generator_), true};
    tensor.head = true;
    flat_.tensors.push_back(std::move(tensor));
    return flat_.graph->addInput()->setType(c10::TensorType::get());
  }

  FlatGraph& flat_;
  double parameters_ = 0;  // so far; a double does not overflow
  std::vector<std::int64_t> sizes_;
  bool channels_last_;
  at::Generator generator_;
  Value* value_;
  int index_ = 0;
};

}  // namespace

bool has_classifier(const FlatGraph& flat, const Analysis& analysis) {
  return classifier(flat, analysis) != nullptr;
}

FeaturePoint feature_point(const FlatGraph& flat, const Analysis& analysis, Pool pool) {
  const PlacedLayer* logits = classifier(flat, analysis);
  const FeaturePoint end = cut_at(analysis, logits == nullptr ? flat.output() : logits->input);
  const bool is_map = analysis.recording.sizes[0].at(end.value).size() > 2;
  if (pool == Pool::automatic || (logits == nullptr && is_map)) return end;
  for (auto cut = analysis.cuts.rbegin(); cut != analysis.cuts.rend(); ++cut) {
    if (cut->position > end.position || is_dropout(cut->value->node())) continue;
    if (has_places(analysis.recording.sizes[0].at(cut->value))) return {cut->value, cut->position};
  }
  throw Error(ExitCode::model, "this network has no feature map to pool", "head.pool",
              "set head.pool to auto");
}

namespace {

// Some networks (timm's Swin) keep their maps N x H x W x C: the number of features that their own
// pooling makes of a map tells which side the channels are.
bool keeps_channels_last(const FlatGraph& flat, const Analysis& analysis,
                         const FeaturePoint& point) {
  const PlacedLayer* logits = classifier(flat, analysis);
  const auto& recorded = analysis.recording.sizes[0];
  const auto& map = recorded.at(point.value);
  const auto& pooled = recorded.at(logits == nullptr ? flat.output() : logits->input);
  return map.size() == 4 && pooled.size() == 2 && pooled.back() == map[3] &&
         pooled.back() != map[1];
}

}  // namespace

Headed with_head(const FlatGraph& flat, const Analysis& analysis, const FeaturePoint& point,
                 const HeadOptions& options, int classes, std::uint64_t seed) {
  if (const auto type = analysis.recording.types.at(point.value); type != c10::kFloat) {
    throw Error(ExitCode::model,
                str("the features are of type ", c10::toString(type), ", and a head takes Float"),
                "", "export the network without the conversion at its end");
  }
  Recording recording;
  const auto copied = [&](Node* original, Node* copy) {
    for (std::size_t i = 0; i < copy->outputs().size(); ++i)
      carry_over(analysis.recording, original->outputs()[i], copy->outputs()[i], recording);
  };
  FlatGraph whole = slice(flat, analysis.recording, flat.images(), point.value, copied);
  carry_over(analysis.recording, flat.images(), whole.images(), recording);
  Value* features = whole.output();
  HeadBuilder head(whole, analysis.recording.sizes[0].at(point.value),
                   keeps_channels_last(flat, analysis, point), seed);
  head.pool(options.pool);
  for (const int width : options.hidden) {
    head.dropout(options.dropout);
    head.linear(width);
    head.relu();
  }
  head.dropout(options.dropout);
  head.linear(classes);
  head.finish();
  record_behind(whole, features, recording);
  return {std::move(whole), std::move(recording)};
}

}  // namespace tl
