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

// Adds the graph's tensors, and what is computed of them and of the values `given` alone, to a
// recording that knows the rest.
void record_behind(const FlatGraph& flat, const std::vector<torch::jit::Value*>& given,
                   Recording& recording);

}  // namespace tl
