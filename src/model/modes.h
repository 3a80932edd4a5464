// Arguments that say how an operation computes: its mode, and the type of what it gives.
#pragma once

#include "model/flat_builder.h"

#include <optional>
#include <set>
#include <vector>

namespace tl {

// Which argument says that the operation is in training mode: the mode is a constant in traced
// files.
std::optional<std::size_t> mode_argument(const torch::jit::Node* node);

// Dropout and its relatives, attention among them: random numbers that evaluation mode does not
// draw.
bool is_random_in_training_alone(const torch::jit::Node* node);

// Sets the mode of an operation to evaluation, whatever the file says. A norm that has no running
// statistics has no evaluation mode. Attention has no mode but a rate of dropout, which stays where
// `dropout` says so. Returns whether the file said something else.
bool set_evaluation_mode(const torch::jit::Node* node, std::vector<Ref>& inputs, bool dropout);

// The rate of dropout within an attention; 0 where there is none.
double attention_dropout(const torch::jit::Node* node, const std::vector<Ref>& inputs);

// fp32 where the operation is to give one of the types. Returns whether it was.
bool set_type(const torch::jit::Node* node, std::vector<Ref>& inputs,
              const std::set<at::ScalarType>& types);

}  // namespace tl
