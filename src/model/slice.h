// Cutting a piece out of a flat graph.
#pragma once

#include "model/network.h"

#include <functional>

namespace tl {

// The nodes between `from` (a cut's value, or the images) and `to`, as a flat graph of its own that
// shares the tensors: its first input stands for `from`. Sizes of values before the cut are
// recomputed from the batch size of `from`. `copied`, if given, may change each copy of a node.
using NodeCopied = std::function<void(torch::jit::Node* original, torch::jit::Node* copy)>;
FlatGraph slice(const FlatGraph& flat, const Recording& recording, torch::jit::Value* from,
                torch::jit::Value* to, const NodeCopied& copied = {});

}  // namespace tl
