// A small network as its flat graph and what is known of it, without a file's metadata.
#pragma once

#include "model/analysis.h"
#include "model/api/execute.h"
#include "model/lower.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "temporary_folder.h"

#include <ATen/core/grad_mode.h>

#include <string>

namespace small_network {

inline tl::InputSpec input() {
  tl::InputSpec input;
  input.height = input.width = input.resize = 16;
  return input;
}

struct LoweredNetwork {
  Module module;  // nodes point into its code
  tl::FlatGraph flat;
  tl::Analysis analysis;
};

// `body`: as for save.
inline LoweredNetwork lowered(const std::string& body = residual) {
  const TemporaryFolder folder;
  save(folder / "net.pt", body);
  Module module = torch::jit::load((folder / "net.pt").string());
  tl::Lowered lowered = tl::lower(module, tl::example_images(input()));
  tl::Analysis analysis = tl::analyse(lowered.flat, std::move(lowered.recording));
  return {std::move(module), std::move(lowered.flat), std::move(analysis)};
}

inline at::Tensor run(const tl::FlatGraph& flat, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  return tl::Piece(flat).run(x);
}

// Normalised, N x 3 x 16 x 16.
inline at::Tensor images(std::int64_t n) {
  torch::manual_seed(1);
  return torch::randn({n, 3, 16, 16});
}

}  // namespace small_network
