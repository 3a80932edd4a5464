// Where a network's classifier begins, and the head that takes its place.
#pragma once

#include "model/network.h"

namespace tl {

// Where the backbone ends and a head can begin.
struct FeaturePoint {
  torch::jit::Value* value;
  std::size_t position;  // of the first node behind it
};

// The classifier is the last linear layer or 1x1 convolution without a norm, if nothing but
// pooling, reshaping, dropout or a softmax follows it.
bool has_classifier(const FlatGraph& flat, const Analysis& analysis);

// `automatic`: the classifier's input, or the network's output where there is no classifier. The
// other pools: the last feature map (or token sequence) up to there.
// Throws Error(model) where the network has no such place.
FeaturePoint feature_point(const FlatGraph& flat, const Analysis& analysis, Pool pool);

struct Headed {
  FlatGraph flat;
  Recording recording;
};

// Cuts the graph off at the point and continues it by pool, hidden layers and one logit a class.
Headed with_head(const FlatGraph& flat, const Analysis& analysis, const FeaturePoint& point,
                 const HeadOptions& options, int classes, std::uint64_t seed);

}  // namespace tl
