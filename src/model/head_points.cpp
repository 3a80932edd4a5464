#include "model/head_points.h"

#include "model/channels.h"
#include "model/kinds.h"
#include "model/layer_names.h"
#include "model/node.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <algorithm>
#include <set>

namespace tl {
namespace {

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

}  // namespace

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

namespace {

// A feature map or a token sequence that is not pooled yet.
bool has_places(const std::vector<std::int64_t>& sizes) {
  if (sizes.size() == 4) return sizes[2] * sizes[3] > 1;
  return sizes.size() == 3 && sizes[1] > 1;
}

FeaturePoint point_at(const Analysis& analysis, const Cut& cut) {
  const PlacedLayer* last = nullptr;
  for (const PlacedLayer& layer : analysis.layers) {
    if (layer.last < cut.position) last = &layer;
  }
  return {cut.value, cut.position, last == nullptr ? "" : last->layer.name};
}

// The cut with this value; dropout in front of it is the head's business.
FeaturePoint cut_at(const Analysis& analysis, Value* value) {
  while (is_dropout(value->node()))
    value = value->node()->input(0);
  for (const Cut& cut : analysis.cuts) {
    if (cut.value == value) return point_at(analysis, cut);
  }
  throw Error(ExitCode::model,
              "more than one tensor goes into the classifier, so no head fits there",
              describe(value->node()), "export the network without its classifier");
}

}  // namespace

FeaturePoint feature_point(const FlatGraph& flat, const Analysis& analysis, Pool pool) {
  const PlacedLayer* logits = classifier(flat, analysis);
  const FeaturePoint end = cut_at(analysis, logits == nullptr ? flat.output() : logits->input);
  const bool is_map = analysis.recording.sizes[0].at(end.value).size() > 2;
  if (pool == Pool::automatic || (logits == nullptr && is_map)) return end;
  for (auto cut = analysis.cuts.rbegin(); cut != analysis.cuts.rend(); ++cut) {
    if (cut->position > end.position || is_dropout(cut->value->node())) continue;
    if (has_places(analysis.recording.sizes[0].at(cut->value))) return point_at(analysis, *cut);
  }
  throw Error(ExitCode::model, "this network has no feature map to pool", "head.pool",
              "set head.pool to auto");
}

namespace {

bool is_within_a_layer(const Analysis& analysis, const Cut& cut) {
  return std::any_of(analysis.layers.begin(), analysis.layers.end(), [&](const PlacedLayer& layer) {
    return layer.first < cut.position && cut.position <= layer.last;
  });
}

// In front of the feature point: of each layer that the network can be cut behind, the last cut
// before the next layer.
std::vector<FeaturePoint> earlier_points(const Analysis& analysis, const FeaturePoint& last) {
  std::vector<FeaturePoint> points;
  for (const Cut& cut : analysis.cuts) {
    if (cut.position >= last.position || cut.value == last.value) break;
    FeaturePoint point = point_at(analysis, cut);
    if (point.layer.empty() || point.layer == last.layer) continue;
    const std::size_t rank = analysis.recording.sizes[0].at(cut.value).size();
    const bool can_be_pooled =
        rank == 2 || (rank <= 4 && channel_axis(analysis.recording, cut.value));
    if (!can_be_pooled || is_within_a_layer(analysis, cut)) continue;
    if (!points.empty() && points.back().layer == point.layer) points.pop_back();
    points.push_back(std::move(point));
  }
  return points;
}

std::int64_t width_at(const Analysis& analysis, const FeaturePoint& point) {
  const auto& sizes = analysis.recording.sizes[0].at(point.value);
  return sizes.size() == 2 ? sizes[1] : sizes[*channel_axis(analysis.recording, point.value)];
}

// Without those that the next one narrows, such as the wide middle of an inverted residual block:
// their features are passed on in fewer channels.
std::vector<FeaturePoint> without_wide_middles(const Analysis& analysis,
                                               std::vector<FeaturePoint> points) {
  std::vector<FeaturePoint> kept;
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    if (kept.empty() || width_at(analysis, *point) <= width_at(analysis, kept.back()))
      kept.push_back(std::move(*point));
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

std::vector<FeaturePoint> named(const std::vector<FeaturePoint>& points,
                                const std::vector<std::string>& names) {
  std::vector<std::string> layers;
  for (const FeaturePoint& point : points)
    layers.push_back(point.layer);
  std::set<std::size_t> chosen;
  for (const std::string& name : names) {
    const auto place = last_layer_called(layers, name);
    if (place && chosen.insert(*place).second) continue;
    if (place) {
      throw Error(ExitCode::usage, str("\"", name, "\" names a layer that is there already"),
                  "head.inputs", "name each layer once");
    }
    const std::string near = nearest(name, names_for_layers(layers));
    throw Error(ExitCode::usage, str("no head can take features behind a layer \"", name, "\""),
                "head.inputs",
                near.empty() ? "tl-inspect lists the layers, and where the network can be cut"
                             : str("did you mean \"", near, "\"?"));
  }
  std::vector<FeaturePoint> result;
  for (const std::size_t place : chosen)
    result.push_back(points[place]);
  return result;
}

}  // namespace

std::vector<FeaturePoint> head_points(const FlatGraph& flat, const Analysis& analysis,
                                      const HeadOptions& options) {
  FeaturePoint last = feature_point(flat, analysis, options.pool);
  if (options.inputs == HeadInputs(HeadDepths::last)) return {std::move(last)};
  std::vector<FeaturePoint> points = earlier_points(analysis, last);
  const auto* names = std::get_if<std::vector<std::string>>(&options.inputs);
  if (names == nullptr) points = without_wide_middles(analysis, std::move(points));
  points.push_back(std::move(last));
  return names == nullptr ? points : named(points, *names);
}

}  // namespace tl
