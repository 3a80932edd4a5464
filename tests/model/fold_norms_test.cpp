// Which norms are folded; that nothing is computed differently then, see trainee_speed_test.cpp.
#include "model/fold_norms.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"

using namespace tl;

namespace {

struct Folded {
  std::int64_t norms_left;
  double error;  // of the output, relative
};

Folded folded(const std::string& body) {
  auto net = small_network::lowered(body);
  const at::Tensor x = small_network::images(3);
  const at::Tensor expected = small_network::run(net.flat, x);
  fold_norms(net.flat);
  std::int64_t norms = 0;
  for (const torch::jit::Node* node : net.flat.graph->nodes())
    norms += node->kind() == c10::aten::batch_norm ? 1 : 0;
  const at::Tensor given = small_network::run(net.flat, x);
  return {norms, ((given - expected).norm() / expected.norm()).item<double>()};
}

}  // namespace

TEST_CASE("each norm behind a convolution of its own is folded") {
  const Folded all = folded(small_network::residual);
  CHECK(all.norms_left == 0);
  CHECK(all.error < 1e-5);
}

TEST_CASE("a norm without weight and bias is folded too") {
  const Folded bare = folded(R"(
    def forward(self, x):
      x = torch.conv2d(x, self.stem.weight, self.stem.norm_bias)
      return torch.batch_norm(x, None, None, self.stem.mean, self.stem.var, False, 0.1, 1e-5, False)
  )");
  CHECK(bare.norms_left == 0);
  CHECK(bare.error < 1e-5);
}

TEST_CASE("a norm stays where the convolution's output is needed elsewhere too") {
  const Folded shared = folded(R"(
    def forward(self, x):
      y = torch.conv2d(x, self.stem.weight)
      s = self.stem
      return y + torch.batch_norm(y, s.norm_weight, s.norm_bias, s.mean, s.var, False, 0.1, 1e-5,
                                  False)
  )");
  CHECK(shared.norms_left == 1);
  CHECK(shared.error == 0);
}

TEST_CASE("a norm stays behind a transposed convolution, whose weight lies the other way") {
  const Folded transposed = folded(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      s = self.a
      y = torch.conv_transpose2d(x, s.weight)
      return torch.batch_norm(y, s.norm_weight, s.norm_bias, s.mean, s.var, False, 0.1, 1e-5, False)
  )");
  CHECK(transposed.norms_left == 1);
  CHECK(transposed.error < 1e-5);  // the stem's is folded
}

TEST_CASE("a norm that stands alone stays") {
  CHECK(folded(R"(
    def forward(self, x):
      x = torch.relu(self.stem.forward(x))
      s = self.a
      return torch.batch_norm(x, s.norm_weight, s.norm_bias, s.mean, s.var, False, 0.1, 1e-5, False)
  )")
            .norms_left == 1);
}
