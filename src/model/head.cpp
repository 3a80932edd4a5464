#include "model/head.h"

#include "model/channels.h"
#include "model/node.h"
#include "model/recording.h"
#include "model/slice.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <c10/util/accumulate.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <cmath>
#include <unistd.h>
#include <unordered_map>

namespace tl {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

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

Value* list_of(Graph& graph, const std::vector<Value*>& values) {
  return graph.insertNode(graph.createList(c10::TensorType::get(), values))->output();
}

// N x columns, in float.
struct PooledFeatures {
  Value* value;
  std::int64_t columns;
};

// Builds the head at the end of a graph.
class HeadBuilder {
 public:
  HeadBuilder(FlatGraph& flat, std::uint64_t seed)
      : flat_(flat), generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {
    flat_.graph->eraseOutput(0);
  }

  void take(const PooledFeatures& features) {
    features_.push_back(features.value);
    columns_ += features.columns;
  }

  // Behind all that was taken.
  void begin() {
    value_ = features_.size() == 1
                 ? features_[0]
                 : flat_.graph->insert(c10::aten::cat,
                                       {list_of(*flat_.graph, features_), std::int64_t{1}});
  }

  void dropout(double p) {
    if (p > 0) layer(flat_.graph->insert(c10::aten::dropout, {value_, p, false}));
  }

  void relu() { value_ = flat_.graph->insert(c10::aten::relu, {value_}); }

  // Initialised as torch.nn.Linear is: U(-b, b) with b = 1 / sqrt(inputs).
  void linear(std::int64_t outputs) {
    parameters_ += static_cast<double>(outputs) * static_cast<double>(columns_);
    require_memory(parameters_);
    const double bound = 1.0 / std::sqrt(static_cast<double>(columns_));
    const std::string name = str("head.", index_++);
    Value* weight = add(name + ".weight", {outputs, columns_}, bound);
    Value* bias = add(name + ".bias", {outputs}, bound);
    layer(flat_.graph->insert(c10::aten::linear, {value_, weight, bias}));
    columns_ = outputs;
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
  at::Generator generator_;
  std::vector<Value*> features_;
  std::int64_t columns_ = 0;  // of value_
  Value* value_ = nullptr;
  int index_ = 0;
};

// Some networks (timm's Swin) keep their maps N x H x W x C. Where the way from the last layer
// can't be followed, the number of features that the network's own pooling makes of a map tells.
std::size_t channels_of(const FlatGraph& flat, const Analysis& analysis,
                        const FeaturePoint& point) {
  if (const auto axis = channel_axis(analysis.recording, point.value)) return *axis;
  const PlacedLayer* logits = classifier(flat, analysis);
  const auto& recorded = analysis.recording.sizes[0];
  const auto& map = recorded.at(point.value);
  const auto is_long = [](std::int64_t size) { return size > 1; };
  const auto longer = std::count_if(map.begin() + 1, map.end(), is_long);
  if (longer == 0) return 1;  // of one number, any side holds it
  if (longer == 1) {
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

// Over all places, which are the axes beside the images' and the channels'.
PooledFeatures pool(Graph& graph, Value* map, const std::vector<std::int64_t>& sizes,
                    std::size_t channels, Pool how) {
  std::vector<std::int64_t> places;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    if (i != channels) places.push_back(static_cast<std::int64_t>(i));
  }
  return {how == Pool::max ? graph.insert(c10::aten::amax, {map, places, false})
                           : graph.insert(c10::aten::mean, {map, c10::IValue(places), false}),
          sizes[channels]};
}

PooledFeatures flattened(Graph& graph, Value* map, const std::vector<std::int64_t>& sizes) {
  const auto columns = c10::multiply_integers(sizes.begin() + 1, sizes.end());
  return {sizes.size() > 2 ? graph.insert(c10::aten::flatten, {map, 1}) : map, columns};
}

// `value`: the point's, in the graph.
PooledFeatures features_at(Graph& graph, Value* value, const FlatGraph& flat,
                           const Analysis& analysis, const FeaturePoint& point, Pool how) {
  const auto& sizes = analysis.recording.sizes[0].at(point.value);
  if (sizes.size() > 4) {
    throw Error(ExitCode::model, str("a head takes no features of rank ", sizes.size()),
                describe(point.value->node()), "export the network with its own pooling");
  }
  if (analysis.recording.types.at(point.value) != c10::kFloat) {
    value = graph.insert(c10::aten::to, {value, c10::kFloat, false, false});
  }
  if (how == Pool::flatten || sizes.size() == 2) return flattened(graph, value, sizes);
  return pool(graph, value, sizes, channels_of(flat, analysis, point), how);
}

}  // namespace

namespace {

// A slice from the images on, with what is known of it, and where each value of the original is.
struct Copy {
  FlatGraph flat;
  Recording recording;
  std::unordered_map<const Value*, Value*> values;
};

Copy copy_up_to(Value* to, const FlatGraph& flat, const Recording& recording) {
  Copy copy;
  Node* head = nullptr;
  const auto note = [&](Value* original, Value* value) {
    copy.values[original] = value;
    carry_over(recording, original, value, copy.recording);
  };
  copy.flat = slice(flat, recording, flat.images(), to, [&](Node* original, Node* node) {
    if (original == flat.head) head = node;
    for (std::size_t i = 0; i < node->outputs().size(); ++i)
      note(original->outputs()[i], node->outputs()[i]);
  });
  copy.flat.head = head;
  note(flat.images(), copy.flat.images());
  return copy;
}

}  // namespace

Headed with_head(const FlatGraph& flat, const Analysis& analysis,
                 const std::vector<FeaturePoint>& points, const HeadOptions& options, int classes,
                 std::uint64_t seed) {
  auto [whole, recording, values] = copy_up_to(points.back().value, flat, analysis.recording);
  std::vector<HeadInput> inputs;
  std::vector<Value*> given;
  HeadBuilder head(whole, seed);
  for (const FeaturePoint& point : points) {
    const bool own = &point == &points.back();
    const Pool how = own || options.pool != Pool::flatten ? options.pool : Pool::automatic;
    given.push_back(values.at(point.value));
    const PooledFeatures features =
        features_at(*whole.graph, given.back(), flat, analysis, point, how);
    inputs.push_back({point.layer, features.columns});
    head.take(features);
  }
  head.begin();
  for (const int width : options.hidden) {
    head.dropout(options.dropout);
    head.linear(width);
    head.relu();
  }
  head.dropout(options.dropout);
  head.linear(classes);
  head.finish();
  record_behind(whole, given, recording);
  return {std::move(whole), std::move(recording), std::move(inputs)};
}

namespace {

// Which inputs have a weight that is not 0.
std::vector<bool> in_use(const at::Tensor& weight, const std::vector<HeadInput>& inputs) {
  std::vector<bool> used;
  std::int64_t first = 0;
  for (const HeadInput& input : inputs) {
    used.push_back(weight.narrow(1, first, input.columns).any().item<bool>());
    first += input.columns;
  }
  return used;
}

at::Tensor& first_weight(FlatGraph& flat) {
  const auto found = std::find_if(
      flat.tensors.begin(), flat.tensors.end(),
      [](const NamedTensor& named) { return named.head && named.name == "head.0.weight"; });
  return found->tensor;
}

// Of the columns that belong to those inputs.
at::Tensor columns_of(const at::Tensor& weight, const std::vector<HeadInput>& inputs,
                      const std::vector<bool>& chosen) {
  std::vector<at::Tensor> parts;
  std::int64_t first = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (chosen[i]) parts.push_back(weight.narrow(1, first, inputs[i].columns));
    first += inputs[i].columns;
  }
  return at::cat(parts, 1);
}

}  // namespace

Headed without_idle_inputs(const FlatGraph& flat, const Recording& recording,
                           const std::vector<HeadInput>& inputs) {
  Copy copy = copy_up_to(flat.output(), flat, recording);
  Graph& graph = *copy.flat.graph;
  at::Tensor& weight = first_weight(copy.flat);
  const std::vector<bool> used = in_use(weight, inputs);
  Node* join = copy.flat.head->input(0)->node();
  std::vector<HeadInput> kept;
  std::vector<Value*> features;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!used[i]) continue;
    kept.push_back(inputs[i]);
    features.push_back(join->input(0)->node()->input(i));
  }
  if (kept.empty()) return {std::move(copy.flat), std::move(copy.recording), inputs};
  weight = columns_of(weight, inputs, used);
  const torch::jit::WithInsertPoint here(join);
  Value* joined = features.size() == 1
                      ? features[0]
                      : graph.insert(c10::aten::cat, {list_of(graph, features), std::int64_t{1}});
  join->output()->replaceAllUsesWith(joined);
  Copy lean = copy_up_to(copy.flat.output(), copy.flat, copy.recording);
  for (Value*& value : features)
    value = lean.values.at(value);
  record_behind(lean.flat, features, lean.recording);
  return {std::move(lean.flat), std::move(lean.recording), std::move(kept)};
}

}  // namespace tl
