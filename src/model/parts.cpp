#include "model/api/parts.h"

#include "model/freeze.h"
#include "model/meaning.h"
#include "model/slice.h"

namespace tl {
namespace {

FlatGraph from_images(const Network& network, torch::jit::Value* to) {
  return slice(network.flat, network.analysis.recording, network.flat.images(), to);
}

}  // namespace

FrozenPrefix frozen_prefix(const Model& model) {
  const Network& network = network_of(model);
  torch::jit::Value* end = prefix_end(network).value;
  const auto& sizes = network.analysis.recording.sizes[0].at(end);
  return {
      from_images(network, end), end == network.flat.images(), {sizes.begin() + 1, sizes.end()}};
}

FlatGraph up_to_logits(const Model& model) {
  return up_to_logits(network_of(model));
}

}  // namespace tl
