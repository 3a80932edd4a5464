#include "model/bf16.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "catch.h"
#include "temporary_folder.h"

using namespace tl;

namespace {

// Operations that want their inputs alike: a norm over the layer, a learned slope, a mask of truth
// values, a product whose operands stand in a list.
constexpr const char* demanding = R"(
    def forward(self, x):
      x = torch.prelu(self.stem.forward(x), self.w[0])
      x = torch.group_norm(self.a.forward(x), 2, self.w[2], self.w[3])
      t = torch.layer_norm(x.flatten(2).transpose(1, 2), [8], self.w[0], self.w[1])
      mask = torch.ones([256, 256]).tril() > 0.5
      t = torch.scaled_dot_product_attention(t, t, t, mask)
      return torch.einsum("nij,kj->nik", [t, self.w]).mean([1]) + self.c
)";

// A kernel that is larger than the map, in three dimensions.
constexpr const char* volume = R"(
    def forward(self, x):
      x = torch.max_pool2d(self.a.forward(self.stem.forward(x)), [4, 4])
      kernel = self.w[:, 0:7].reshape([1, 1, 7, 7, 1]).expand([16, 1, 7, 7, 1])
      x = torch.conv3d(x.permute([0, 2, 3, 1]).unsqueeze(1), kernel, None, [1, 1, 1], [3, 3, 0])
      return x.mean([1, 2, 3])
)";

Model load(const char* forward) {
  const TemporaryFolder folder;
  small_network::save(folder / "net.pt", forward);
  InputSpec input;
  input.height = input.width = input.resize = 16;
  Model model = Model::load(folder / "net.pt", input);
  HeadOptions head;
  head.dropout = 0;
  model.attach_head(head, 2, 1);
  model.freeze(FreezeWord::none);
  return model;
}

void check_gradients(const Trainee& trainee) {
  for (const at::Tensor& parameter : trainee.backbone_parameters())
    CHECK(parameter.grad().isfinite().all().item<bool>());
}

}  // namespace

TEST_CASE("operations that want their inputs alike are trained in bf16 too") {
  const Model model = load(demanding);
  const at::Tensor images = torch::randn({4, 3, 16, 16});
  const Trainee exact(model, BatchNorm::frozen, Precision::fp32);
  const Trainee trainee(model, BatchNorm::frozen, Precision::bf16);
  const at::Tensor expected = exact.logits(images, false);
  const at::Tensor given = trainee.logits(images, true);
  CHECK((given - expected).norm().item<double>() < 0.03 * expected.norm().item<double>());
  given.sum().backward();
  check_gradients(trainee);
}

TEST_CASE("convolutions in three dimensions stay in fp32") {
  const Model model = load(volume);
  FlatGraph flat = network_of(model).flat;
  const std::vector<std::string> in_fp32 =
      compute_in_bf16(flat, torch::randn({4, 3, 16, 16}), /*with_gradients=*/true);
  REQUIRE(in_fp32.size() == 1);
  CHECK(in_fp32[0].find("conv3d") != std::string::npos);
  const Trainee trainee(model, BatchNorm::frozen, Precision::bf16);
  trainee.logits(torch::randn({4, 3, 16, 16}), true).sum().backward();
  check_gradients(trainee);
}
