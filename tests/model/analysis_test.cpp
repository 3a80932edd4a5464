#include "model/analysis.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"

#include <algorithm>

using namespace tl;

namespace {

std::vector<std::string> kinds(const Analysis& analysis) {
  std::vector<std::string> kinds;
  for (const PlacedLayer& placed : analysis.layers)
    kinds.push_back(placed.layer.kind);
  return kinds;
}

bool has_cut_at(const Analysis& analysis, const torch::jit::Value* value) {
  return std::any_of(analysis.cuts.begin(), analysis.cuts.end(),
                     [&](const Cut& cut) { return cut.value == value; });
}

}  // namespace

TEST_CASE("a norm or an affine belongs to the layer that alone feeds it") {
  const auto joined = small_network::lowered(R"(
    def forward(self, x):
      x = self.stem.forward(x) * self.w[0].view([8, 1, 1])
      return torch.linear(x.mean([2, 3]), self.w, self.c)
  )");
  CHECK(kinds(joined.analysis) == std::vector<std::string>{"conv 3x3 + batch_norm", "linear"});
  // What goes into the affine is needed elsewhere too.
  const auto apart = small_network::lowered(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      y = x * self.w[0].view([8, 1, 1])
      return torch.linear((x + y).mean([2, 3]), self.w, self.c)
  )");
  CHECK(kinds(apart.analysis) ==
        std::vector<std::string>{"conv 3x3 + batch_norm", "mul", "linear"});
}

TEST_CASE("a tensor that two layers use counts with the first") {
  const auto net = small_network::lowered(R"(
    def forward(self, x):
      x = self.a.forward(torch.relu(self.a.forward(self.stem.forward(x))))
      return torch.linear(x.mean([2, 3]), self.w, self.c)
  )");
  REQUIRE(net.analysis.layers.size() == 4);
  CHECK(net.analysis.layers[1].layer.parameters == 8 * 8 * 9 + 16);
  CHECK(net.analysis.layers[2].layer.parameters == 0);
  CHECK(net.analysis.layers[2].layer.tensors == net.analysis.layers[1].layer.tensors);
}

TEST_CASE("cuts are in order, from the images to the output") {
  const auto net = small_network::lowered();
  const auto& cuts = net.analysis.cuts;
  CHECK(cuts.front().value == net.flat.images());
  CHECK(cuts.front().position == 0);
  CHECK(cuts.back().value == net.flat.output());
  CHECK(std::is_sorted(cuts.begin(), cuts.end(),
                       [](const Cut& a, const Cut& b) { return a.position < b.position; }));
  // Within the residual block two tensors are alive.
  CHECK(has_cut_at(net.analysis, net.analysis.layers[1].input));
  CHECK_FALSE(has_cut_at(net.analysis, net.analysis.layers[1].output));
  CHECK_FALSE(has_cut_at(net.analysis, net.analysis.layers[2].input));
}

TEST_CASE("a number that follows from a shape does not keep its tensor alive") {
  const auto net = small_network::lowered(R"(
    def forward(self, x):
      n = x.size(0)
      x = torch.relu(self.stem.forward(x))
      x = torch.adaptive_avg_pool2d(self.a.forward(x), [1, 1]).view([n, -1])
      return torch.linear(x, self.w, self.c)
  )");
  CHECK(has_cut_at(net.analysis, net.analysis.layers[1].input));
}

TEST_CASE("where the batch is not the first dimension there is no cut") {
  const auto net = small_network::lowered(R"(
    def forward(self, x):
      x = torch.relu(self.stem.forward(x).transpose(0, 1))
      return torch.linear(x.transpose(0, 1).mean([2, 3]), self.w, self.c)
  )");
  for (const Cut& cut : net.analysis.cuts) {
    INFO(cut.value->debugName());
    CHECK(net.analysis.recording.sizes[0].at(cut.value)[0] == Recording::batches[0]);
  }
  CHECK(has_cut_at(net.analysis, net.analysis.layers[1].input));
}
