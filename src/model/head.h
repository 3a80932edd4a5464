// Where a network's classifier begins, and the head that takes its place.
#pragma once

#include "model/network.h"

namespace tl {

// Where the backbone ends and a head can begin.
struct FeaturePoint {
  torch::jit::Value* value;
  std::size_t position;  // of the first node behind it
  std::string layer;     // the last backbone layer in front of it; "" where there is none
};

// The classifier is the last linear layer or 1x1 convolution without a norm, if nothing but
// pooling, reshaping, dropout or a softmax follows it.
bool has_classifier(const FlatGraph& flat, const Analysis& analysis);

// `automatic`: the classifier's input, or the network's output where there is no classifier. The
// other pools: the last feature map (or token sequence) up to there.
// Throws Error(model) where the network has no such place.
FeaturePoint feature_point(const FlatGraph& flat, const Analysis& analysis, Pool pool);

// The points that `options` asks for, in execution order: the feature point, and others behind
// layers that the network can be cut behind. Those whose features can't be pooled, since nothing
// tells where their channels are, are no such points.
// Throws Error(usage) on a name that is none of theirs.
std::vector<FeaturePoint> head_points(const FlatGraph& flat, const Analysis& analysis,
                                      const HeadOptions& options);

struct Headed {
  FlatGraph flat;
  Recording recording;
  std::vector<HeadInput> inputs;
};

// Cuts the graph off at the last of the points and continues it: features of each point are
// pooled, and side by side they go into hidden layers and one logit a class.
Headed with_head(const FlatGraph& flat, const Analysis& analysis,
                 const std::vector<FeaturePoint>& points, const HeadOptions& options, int classes,
                 std::uint64_t seed);

// The same without those inputs of a single Linear whose weights are all 0, and what is computed
// for them alone.
Headed without_idle_inputs(const FlatGraph& flat, const Recording& recording,
                           const std::vector<HeadInput>& inputs);

}  // namespace tl
