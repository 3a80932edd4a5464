#include "model/head.h"

#include "model/channels.h"
#include "model/kinds.h"
#include "model/node.h"
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
      "aten::softmax", "aten::log_softmax", "aten::sigmoid",    "aten::flatten",
      "aten::squeeze", "aten::view",        "aten::reshape",    "aten::adaptive_avg_pool2d",
      "aten::mean",    "aten::avg_pool2d",  "aten::contiguous", "aten::clone",
      "aten::clamp",   "aten::clamp_min",   "aten::clamp_max",  "aten::exp",
      "aten::log",     "aten::div",         "aten::sum",        "aten::to",
      "aten::slice",   "aten::unsqueeze",   "aten::detach"};
  const std::string kind = node->kind().toQualString();
  return always.count(kind) > 0 || is_dropout(node) || (convolutional && kind == "aten::relu");
}

const PlacedLayer* classifier(const FlatGraph& flat, const Analysis& analysis) {
  if (analysis.layers.empty()) return nullptr;
  const PlacedLayer& last = analysis.layers.back();
  const bool convolutional = last.layer.kind == "conv 1x1" && analysis.layers.size() > 1;
  if (last.layer.kind != "linear" && !convolutional) return nullptr;
  if (analysis.recording.sizes[0].at(flat.output()).size() != 2) return nullptr;
  const auto& logits = analysis.recording.sizes[0].at(last.output);
  const std::int64_t classes = convolutional ? logits.at(1) : logits.back();
  if (analysis.recording.sizes[0].at(flat.output())[1] > classes) return nullptr;
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
              describe(value->node()), "export the network without its classifier");
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
  HeadBuilder(FlatGraph& flat, std::vector<std::int64_t> sizes, std::uint64_t seed)
      : flat_(flat),
        sizes_(std::move(sizes)),
        generator_(at::make_generator<at::CPUGeneratorImpl>(seed)),
        value_(flat.output()) {
    flat_.graph->eraseOutput(0);
  }

  void make_float() {
    value_ = flat_.graph->insert(c10::aten::to, {value_, c10::kFloat, false, false});
  }

  void flatten() {
    for (std::size_t i = 2; i < sizes_.size(); ++i)
      sizes_[1] *= sizes_[i];
    if (sizes_.size() > 2) value_ = flat_.graph->insert(c10::aten::flatten, {value_, 1});
    sizes_.resize(2);
  }

  // Over all places, which are the axes beside the images' and the channels'.
  void pool(Pool how, std::size_t channels) {
    std::vector<std::int64_t> places;
    for (std::size_t i = 1; i < sizes_.size(); ++i) {
      if (i != channels) places.push_back(static_cast<std::int64_t>(i));
    }
    value_ = how == Pool::max
                 ? flat_.graph->insert(c10::aten::amax, {value_, places, false})
                 : flat_.graph->insert(c10::aten::mean, {value_, c10::IValue(places), false});
    sizes_ = {sizes_[0], sizes_[channels]};
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

// Some networks (timm's Swin) keep their maps N x H x W x C. Where the way from the last layer
// can't be followed, the number of features that the network's own pooling makes of a map tells.
std::size_t channels_of(const FlatGraph& flat, const Analysis& analysis,
                        const FeaturePoint& point) {
  if (const auto axis = channel_axis(analysis.recording, point.value)) return *axis;
  const PlacedLayer* logits = classifier(flat, analysis);
  const auto& recorded = analysis.recording.sizes[0];
  const auto& map = recorded.at(point.value);
  const auto is_long = [](std::int64_t size) { return size > 1; };
  if (std::count_if(map.begin() + 1, map.end(), is_long) == 1) {
    return static_cast<std::size_t>(std::find_if(map.begin() + 1, map.end(), is_long) -
                                    map.begin());
  }
  const auto& pooled = recorded.at(logits == nullptr ? flat.output() : logits->input);
  const auto axis = std::find(map.begin() + 1, map.end(), pooled.back());
  if (pooled.size() == 2 && axis != map.end() && std::count(axis, map.end(), *axis) == 1) {
    return static_cast<std::size_t>(axis - map.begin());
  }
  std::string sizes;
  for (std::size_t i = 1; i < map.size(); ++i)
    sizes += str(i == 1 ? "" : " x ", map[i]);
  throw Error(ExitCode::model,
              str("nothing tells which side of its features, ", sizes, ", holds the channels"),
              describe(point.value->node()),
              "export the network with its own pooling, or set head.pool to flatten");
}

void pool_features(HeadBuilder& head, const FlatGraph& flat, const Analysis& analysis,
                   const FeaturePoint& point, Pool how) {
  const std::size_t rank = analysis.recording.sizes[0].at(point.value).size();
  if (rank > 4) {
    throw Error(ExitCode::model, str("a head takes no features of rank ", rank),
                describe(point.value->node()), "export the network with its own pooling");
  }
  if (how == Pool::flatten || rank == 2) {
    head.flatten();
  } else {
    head.pool(how, channels_of(flat, analysis, point));
  }
}

}  // namespace

Headed with_head(const FlatGraph& flat, const Analysis& analysis, const FeaturePoint& point,
                 const HeadOptions& options, int classes, std::uint64_t seed) {
  Recording recording;
  const auto copied = [&](Node* original, Node* copy) {
    for (std::size_t i = 0; i < copy->outputs().size(); ++i)
      carry_over(analysis.recording, original->outputs()[i], copy->outputs()[i], recording);
  };
  FlatGraph whole = slice(flat, analysis.recording, flat.images(), point.value, copied);
  carry_over(analysis.recording, flat.images(), whole.images(), recording);
  Value* features = whole.output();
  HeadBuilder head(whole, analysis.recording.sizes[0].at(point.value), seed);
  if (analysis.recording.types.at(point.value) != c10::kFloat) head.make_float();
  pool_features(head, flat, analysis, point, options.pool);
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
