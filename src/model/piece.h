// A slice of the network, ready to run.
#pragma once

#include "model/evaluate.h"
#include "model/network.h"

namespace tl {

class Piece {
 public:
  explicit Piece(FlatGraph flat);

  at::Tensor run(const at::Tensor& x) const;
  const std::vector<NamedTensor>& tensors() const { return flat_.tensors; }

 private:
  FlatGraph flat_;
  Executable executable_;
};

// Position of the first layer that is trained. Dropout is on from there; in front of it, as part of
// what is frozen, it is off.
std::size_t training_begins(const Network& network);

// Where the frozen prefix ends: the last cut before training begins.
const Cut& prefix_end(const Network& network);

// Of activations in that precision, which is fp32 or bf16.
at::ScalarType scalar_type(Precision precision);

// uint8 N x H x W x 3 to float N x 3 x H x W in channels-last memory, normalised unless the network
// does that itself.
at::Tensor to_input(const at::Tensor& images, const FileInfo& info, const at::Device& device);

}  // namespace tl
