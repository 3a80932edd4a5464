// Groups of operations that the model room tells apart.
#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <cstddef>
#include <set>
#include <string>

namespace tl {

bool is_tensor(const torch::jit::Value* value);
// Whether it is one of these, as "aten::relu".
bool is_one_of(const torch::jit::Node* node, const std::set<std::string>& kinds);
bool is_convolution(const torch::jit::Node* node);
bool is_transposed_convolution(const torch::jit::Node* node);
bool is_linear(const torch::jit::Node* node);  // or a matrix product
bool is_batch_norm(const torch::jit::Node* node);
// A norm that may use running statistics.
bool keeps_statistics(const torch::jit::Node* node);
bool is_dropout(const torch::jit::Node* node);
// A norm or an elementwise affine: what may belong to the layer in front of it.
bool is_norm_or_affine(const torch::jit::Node* node);
bool is_recurrent(const torch::jit::Node* node);  // an LSTM, a GRU or an RNN
// Moves numbers about without changing any.
bool is_view(const torch::jit::Node* node);
// Packs values into a list or tuple.
bool is_container(const torch::jit::Node* node);
// Looks at a tensor's form (shape, type, device) and not at its contents.
bool looks_at_form_only(const torch::jit::Node* node);

// Where the arguments of aten::batch_norm, and of aten::instance_norm, stand.
namespace batch_norm {
constexpr std::size_t weight = 1;
constexpr std::size_t bias = 2;
constexpr std::size_t running_mean = 3;
constexpr std::size_t running_variance = 4;
constexpr std::size_t training = 5;
constexpr std::size_t momentum = 6;
constexpr std::size_t epsilon = 7;
}  // namespace batch_norm

}  // namespace tl
