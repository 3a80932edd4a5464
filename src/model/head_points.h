// Where a network's classifier begins, and where a head can get features.
#pragma once

#include "model/network.h"

#include <string>
#include <vector>

namespace tl {

// Where the backbone ends and a head can begin.
struct FeaturePoint {
  torch::jit::Value* value;
  std::size_t position;  // of the first node behind it
  std::string layer;     // the last backbone layer in front of it; "" where there is none
};

// The classifier is the last linear layer or 1x1 convolution without a norm, if nothing but
// pooling, reshaping, dropout or a softmax follows it. Null where there is none.
const PlacedLayer* classifier(const FlatGraph& flat, const Analysis& analysis);

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

}  // namespace tl
