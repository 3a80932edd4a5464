#include "model/slice.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"
#include "error_of.h"

#include <algorithm>

using namespace tl;

namespace {

FlatGraph part(const small_network::LoweredNetwork& net, torch::jit::Value* from,
               torch::jit::Value* to) {
  return slice(net.flat, net.analysis.recording, from, to);
}

}  // namespace

TEST_CASE("the slices in front of a cut and behind it give together what the network gives") {
  const auto net = small_network::lowered();
  const at::Tensor x = small_network::images(5);
  const at::Tensor whole = small_network::run(net.flat, x);
  REQUIRE(net.analysis.cuts.size() > 4);
  for (const Cut& cut : net.analysis.cuts) {
    INFO("cut at " << cut.position);
    const at::Tensor at_cut = small_network::run(part(net, net.flat.images(), cut.value), x);
    const at::Tensor given = small_network::run(part(net, cut.value, net.flat.output()), at_cut);
    CHECK(torch::equal(given, whole));
  }
}

TEST_CASE("a slice has the tensors that it needs, and they are the network's own") {
  const auto net = small_network::lowered();
  const auto& second = net.analysis.layers[1];
  const FlatGraph front = part(net, net.flat.images(), second.input);
  REQUIRE(front.tensors.size() == 5);
  for (const NamedTensor& named : front.tensors) {
    CHECK(has(named.name, "stem."));
    CHECK(
        std::any_of(net.flat.tensors.begin(), net.flat.tensors.end(),
                    [&](const NamedTensor& other) { return other.tensor.is_same(named.tensor); }));
  }
  CHECK(part(net, second.input, net.flat.output()).tensors.size() == net.flat.tensors.size() - 5);
}

TEST_CASE("a number that was taken in front of the cut follows the batch behind it") {
  const auto net = small_network::lowered(R"(
    def forward(self, x):
      n, rows = x.size(0), x.size(2)
      x = torch.relu(self.stem.forward(x))
      x = x.reshape([n * 2, 4, rows, rows]).mean([2, 3]).reshape([n, 8])
      return torch.linear(x, self.w, self.c)
  )");
  const at::Tensor maps = torch::randn({7, 8, 16, 16});
  const FlatGraph back = part(net, net.analysis.layers[0].output, net.flat.output());
  const at::Tensor expected =
      torch::linear(torch::relu(maps).mean({2, 3}), net.module.attr("w").toTensor(),
                    net.module.attr("c").toTensor());
  CHECK(torch::allclose(small_network::run(back, maps), expected, 1e-5, 1e-5));
}

TEST_CASE("a size that is no multiple of the batch can't be recomputed") {
  const auto net = small_network::lowered(R"(
    def forward(self, x):
      one_more = torch.cat([x, x[:1]]).size(0)
      x = self.stem.forward(x).mean([2, 3])
      return torch.linear(x, self.w, self.c) + float(one_more)
  )");
  const Error error = error_of([&] { part(net, net.analysis.layers[1].input, net.flat.output()); });
  CHECK(error.code() == ExitCode::model);
  CHECK(has(error.what(), "no multiple of the batch size"));
}

TEST_CASE("whoever asks sees each node beside its copy, and may change the copy") {
  const auto net = small_network::lowered();
  const auto train = [](torch::jit::Node* original, torch::jit::Node* copy) {
    CHECK(original->kind() == copy->kind());
    CHECK(original->owningGraph() != copy->owningGraph());
    if (copy->kind() != c10::aten::dropout) return;
    const torch::jit::WithInsertPoint here(copy);
    copy->replaceInput(2, copy->owningGraph()->insertConstant(true));
  };
  const FlatGraph copy =
      slice(net.flat, net.analysis.recording, net.flat.images(), net.flat.output(), train);
  const at::Tensor x = small_network::images(3);
  CHECK_FALSE(torch::equal(small_network::run(copy, x), small_network::run(copy, x)));
  CHECK(torch::equal(small_network::run(net.flat, x), small_network::run(net.flat, x)));
}
