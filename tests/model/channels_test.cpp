// Over which sides of a feature map a head pools.
#include "tl/model/model.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"
#include "error_of.h"

using namespace tl;

namespace {

// Inputs of the head that a network without classifier gets.
std::int64_t pooled_features(const std::string& ending) {
  const TemporaryFolder folder;
  small_network::save(folder / "net.pt", R"(
    def forward(self, x):
      x = self.stem.forward(x)
      )" + ending + "\n      return x\n");
  Model model = Model::load(folder / "net.pt", small_network::input());
  model.attach_head({}, 2, 1);
  model.freeze(FreezeWord::all);
  return (model.totals().trainable - 2) / 2;
}

}  // namespace

TEST_CASE("a feature map is pooled to its channels, wherever they stand") {
  CHECK(pooled_features("x = torch.relu(x)") == 8);
  CHECK(pooled_features("x = x.permute([0, 2, 3, 1])") == 8);
  CHECK(pooled_features("x = torch.relu(x.permute([0, 2, 3, 1]) + 1.0)[:, ::2]") == 8);
  CHECK(pooled_features("x = torch.linear(x.permute([0, 2, 3, 1]), self.w, self.c)") == 7);
  CHECK(pooled_features("x = torch.layer_norm(x.permute([0, 2, 3, 1]), [8])") == 8);
  CHECK(pooled_features("x = x.movedim(1, -1)") == 8);
  CHECK(pooled_features("x = x.movedim(-1, 1).movedim(1, 2)") == 8);
  CHECK(pooled_features("x = x.flatten(2)") == 8);
  CHECK(pooled_features("x = x.flatten(2).transpose(1, 2)") == 8);
  CHECK(pooled_features("x = x.view([x.size(0), 8, -1]).transpose(1, 2).view([-1, 16, 16, 8])") ==
        8);
}

TEST_CASE("operations that keep sides where they are hide no channels") {
  CHECK(pooled_features("x = torch.glu(torch.cat([x, x * 0.5], 1), 1)") == 8);
  CHECK(pooled_features("x = torch._upsample_nearest_exact2d(x[:, :5], [6, 7])") == 5);
  CHECK(pooled_features("x = x[:, torch.arange(5)]") == 5);
  CHECK(pooled_features("x = x.unsqueeze(1).expand([-1, 2, -1, -1, -1]).mean([1])") == 8);
  CHECK(pooled_features("x = torch.rot90(x.permute([0, 2, 3, 1]), 1, [2, 3])") == 8);
  CHECK(pooled_features("x = x.permute([0, 2, 3, 1]).mT") == 8);
  CHECK(pooled_features("x = torch.cat([torch.zeros([1, 1, 8]).expand([x.size(0), 1, 8]), "
                        "x.flatten(2).transpose(1, 2)], 1)") == 8);
  CHECK(pooled_features("x = x[:, :1].mean([2, 3], True)") == 1);
}

TEST_CASE("norms over all sides tell nothing, sums on any of their ways do") {
  CHECK(pooled_features("x = torch.layer_norm(x, [8, 16, 16])") == 8);
  CHECK(pooled_features("y = x.reshape([x.size(0), 16, 16, 8]).softmax(1)\n      "
                        "x = y.reshape([x.size(0), 8, 16, 16]) + x") == 8);
}

TEST_CASE("a feature map whose channels nothing tells is refused") {
  const Error unknown =
      error_of([] { pooled_features("x = x.reshape([x.size(0), 16, 16, 8]).softmax(1)"); });
  CHECK(unknown.code() == ExitCode::model);
  CHECK(has(unknown.what(), "16 x 16 x 8"));
  CHECK(has(unknown.hint(), "flatten"));
}
