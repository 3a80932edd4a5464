#include "model/piece.h"

#include <ATen/core/TensorBody.h>
#include <ATen/ops/tensor.h>

namespace tl {

Piece::Piece(FlatGraph flat) : flat_(std::move(flat)), executable_(flat_.graph) {}

at::Tensor Piece::run(const at::Tensor& x) const {
  torch::jit::Stack stack;
  stack.reserve(flat_.tensors.size() + 1);
  stack.emplace_back(x);
  for (const NamedTensor& tensor : flat_.tensors)
    stack.emplace_back(tensor.tensor);
  return executable_.run(std::move(stack)).at(0).toTensor();
}

std::size_t training_begins(const Network& network) {
  const auto k = static_cast<std::size_t>(network.frozen_layers);
  if (k < network.layers.size()) return network.analysis.layers[k].first;
  const torch::jit::Node* head = network.flat.head;
  return head == nullptr ? network.analysis.nodes.size() : network.analysis.position.at(head);
}

const Cut& prefix_end(const Network& network) {
  // What stands in front of the first layer (a padding, say) is not worth a prefix.
  if (network.frozen_layers == 0 && !network.layers.empty()) return network.analysis.cuts.front();
  const std::size_t begin = training_begins(network);
  const Cut* last = &network.analysis.cuts.front();
  for (const Cut& cut : network.analysis.cuts) {
    if (cut.position <= begin) last = &cut;
  }
  return *last;
}

at::ScalarType scalar_type(Precision precision) {
  return precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
}

// The same three operations as ToTensor and Normalize and as in a saved model, so that results are
// theirs to the last bit.
at::Tensor to_input(const at::Tensor& images, const FileInfo& info, const at::Device& device) {
  at::Tensor x = images.to(device, /*non_blocking=*/true).permute({0, 3, 1, 2}).to(at::kFloat);
  x.div_(255);
  if (info.normalises) return x;
  const auto constant = [&](const std::array<float, 3>& values) {
    return at::tensor(at::ArrayRef<float>(values), device).view({1, 3, 1, 1});
  };
  return x.sub_(constant(info.input.mean)).div_(constant(info.input.std));
}

}  // namespace tl
