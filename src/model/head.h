// The head that takes the classifier's place.
#pragma once

#include "model/head_points.h"
#include "model/network.h"

#include <vector>

namespace tl {

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
