// What is known of the values of a flat graph: shapes, types and numbers, for two batches.
#pragma once

#include "model/network.h"

#include <ATen/core/ivalue.h>

namespace tl {

// Takes down what a value is for the first (0) or the second (1) batch.
void record(Recording& recording, int which, const torch::jit::Value* value,
            const c10::IValue& content);

// What was recorded of a value holds for its copy.
void carry_over(const Recording& from, const torch::jit::Value* value,
                const torch::jit::Value* copy, Recording& to);

// Adds the graph's tensors and what stands behind `from`, a float tensor, to a recording that knows
// the rest: sizes follow from sizes, so nothing in front of it is computed.
void record_behind(const FlatGraph& flat, torch::jit::Value* from, Recording& recording);

}  // namespace tl
