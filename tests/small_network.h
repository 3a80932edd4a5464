// A small convolutional network as a TorchScript file, made in C++: conv + batch-norm + relu, a
// residual block of two, dropout, pooling, and a linear classifier of seven outputs; 16 x 16
// images.
#pragma once

#include <torch/script.h>
#include <torch/torch.h>

#include <filesystem>
#include <string>

#undef CHECK  // Torch has one of its own; Catch's is meant

namespace small_network {

using torch::jit::Module;

inline Module convolution(int in, int out) {
  Module conv("__torch__.Conv");
  conv.register_parameter("weight", torch::randn({out, in, 3, 3}) * 0.2, false);
  conv.register_parameter("norm_weight", torch::rand({out}) + 0.5, false);
  conv.register_parameter("norm_bias", torch::randn({out}) * 0.1, false);
  conv.register_buffer("mean", torch::randn({out}) * 0.1);
  conv.register_buffer("var", torch::rand({out}) + 0.5);
  conv.define(R"(
    def forward(self, x):
      x = torch.conv2d(x, self.weight, None, [1, 1], [1, 1])
      return torch.batch_norm(x, self.norm_weight, self.norm_bias, self.mean, self.var,
                              False, 0.1, 1e-5, False)
  )");
  return conv;
}

// `body` is the source of forward(self, x), with self.stem, self.a, self.b (convolutions), self.w
// (7 x 8) and self.c (7).
inline void save(const std::filesystem::path& file, const std::string& body) {
  torch::manual_seed(5);
  Module network("__torch__.Small");
  network.register_module("stem", convolution(3, 8));
  network.register_module("a", convolution(8, 8));
  network.register_module("b", convolution(8, 8));
  network.register_parameter("w", torch::randn({7, 8}), false);
  network.register_parameter("c", torch::randn({7}), false);
  network.define(body);
  network.eval();
  network.save(file.string());
}

constexpr const char* residual = R"(
    def forward(self, x):
      x = torch.relu_(self.stem.forward(x))
      y = torch.relu_(self.a.forward(x))
      x = torch.relu_(self.b.forward(y) + x)
      x = torch.dropout(x, 0.5, False)
      x = torch.adaptive_avg_pool2d(x, [1, 1]).view([x.size(0), -1])
      return torch.linear(x, self.w, self.c)
)";

}  // namespace small_network
