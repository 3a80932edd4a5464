#include "model/head.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"
#include "error_of.h"

using namespace tl;
using Sizes = std::vector<std::int64_t>;

namespace {

bool ends_in_classifier(const std::string& body) {
  const auto net = small_network::lowered(body);
  return classifier(net.flat, net.analysis) != nullptr;
}

Sizes sizes_at_head(const small_network::LoweredNetwork& net, Pool pool) {
  const FeaturePoint point = feature_point(net.flat, net.analysis, pool);
  return net.analysis.recording.sizes[0].at(point.value);
}

Headed headed(const small_network::LoweredNetwork& net, const HeadOptions& options,
              std::uint64_t seed = 1) {
  return with_head(net.flat, net.analysis, head_points(net.flat, net.analysis, options), options, 4,
                   seed);
}

at::Tensor tensor(const FlatGraph& flat, const std::string& name) {
  for (const NamedTensor& named : flat.tensors) {
    if (named.name == name) return named.tensor;
  }
  FAIL("no tensor is called " << name);
  return {};
}

constexpr const char* channels_last = R"(
    def forward(self, x):
      x = torch.relu(self.stem.forward(x)).permute([0, 2, 3, 1])
      return torch.linear(x.mean([1, 2]), self.w, self.c)
)";

}  // namespace

TEST_CASE("a classifier is a linear layer or a 1x1 convolution that nothing changes any more") {
  CHECK(ends_in_classifier(small_network::residual));
  CHECK(ends_in_classifier(R"(
    def forward(self, x):
      x = torch.linear(self.stem.forward(x).mean([2, 3]), self.w, self.c)
      return torch.softmax(x, 1)
  )"));
  CHECK(ends_in_classifier(R"(
    def forward(self, x):
      x = torch.conv2d(self.stem.forward(x), self.w.view([7, 8, 1, 1]), self.c)
      return torch.adaptive_avg_pool2d(torch.relu(x), [1, 1]).flatten(1)
  )"));
  CHECK_FALSE(ends_in_classifier(R"(
    def forward(self, x):
      return torch.tanh(torch.linear(self.stem.forward(x).mean([2, 3]), self.w, self.c))
  )"));
  CHECK_FALSE(ends_in_classifier("def forward(self, x):\n  return self.stem.forward(x)\n"));
}

TEST_CASE("a head begins where the classifier did, or at the last map that is not pooled") {
  const auto net = small_network::lowered();
  CHECK(sizes_at_head(net, Pool::automatic) == Sizes{2, 8});
  CHECK(sizes_at_head(net, Pool::avg) == Sizes{2, 8, 16, 16});
  const auto features =
      small_network::lowered("def forward(self, x):\n  return self.stem.forward(x).mean([2, 3])\n");
  CHECK(sizes_at_head(features, Pool::automatic) == Sizes{2, 8});
  CHECK(sizes_at_head(features, Pool::max) == Sizes{2, 8, 16, 16});
}

TEST_CASE("the head's layers have names, weights from the seed, and a place where they begin") {
  const auto net = small_network::lowered();
  HeadOptions options;
  options.hidden = {5};
  const Headed one = headed(net, options);
  CHECK(tensor(one.flat, "head.0.weight").sizes() == at::IntArrayRef({5, 8}));
  CHECK(tensor(one.flat, "head.1.weight").sizes() == at::IntArrayRef({4, 5}));
  CHECK(tensor(one.flat, "head.1.bias").sizes() == at::IntArrayRef({4}));
  CHECK(one.flat.head->kind() == c10::aten::dropout);
  const auto weight = [&](std::uint64_t seed) {
    return tensor(headed(net, options, seed).flat, "head.0.weight");
  };
  CHECK(torch::equal(weight(1), tensor(one.flat, "head.0.weight")));
  CHECK_FALSE(torch::equal(weight(2), tensor(one.flat, "head.0.weight")));
}

TEST_CASE("the graph with its head can be analysed like any other") {
  const auto net = small_network::lowered();
  Headed with = headed(net, {});
  CHECK(with.recording.sizes[0].at(with.flat.output()) == Sizes{2, 4});
  CHECK(with.recording.sizes[1].at(with.flat.output()) == Sizes{3, 4});
  const Analysis analysis = analyse(with.flat, std::move(with.recording));
  CHECK(analysis.layers.size() == net.analysis.layers.size());  // one linear layer for the other
  CHECK(analysis.layers.back().layer.name == "head.0");
}

TEST_CASE("pooling finds the channels on either side") {
  HeadOptions options;
  options.dropout = 0;
  for (const Pool pool : {Pool::avg, Pool::max, Pool::flatten}) {
    options.pool = pool;
    const std::int64_t expected = pool == Pool::flatten ? 8 * 16 * 16 : 8;
    for (const char* body : {small_network::residual, channels_last}) {
      const Headed with = headed(small_network::lowered(body), options);
      CHECK(tensor(with.flat, "head.0.weight").size(1) == expected);
      CHECK(small_network::run(with.flat, small_network::images(3)).sizes() ==
            at::IntArrayRef({3, 4}));
    }
  }
}

// 7 is float64.
TEST_CASE("features that are no floats become some in front of the head") {
  const auto net = small_network::lowered(R"(
    def forward(self, x):
      return self.stem.forward(x).mean([2, 3]).to(7)
  )");
  const Headed with = headed(net, {});
  CHECK(small_network::run(with.flat, small_network::images(3)).scalar_type() == torch::kFloat);
}

TEST_CASE("a head gets features of every place where the network can be cut, in their order") {
  const auto net = small_network::lowered();
  HeadOptions options;
  options.inputs = HeadDepths::depths;
  const Headed with = headed(net, options);
  REQUIRE(with.inputs.size() == 2);  // behind the stem, and behind the residual block
  CHECK(with.inputs[0].layer == "stem");
  CHECK(with.inputs[1].layer == "b");
  CHECK(tensor(with.flat, "head.0.weight").size(1) == 16);
  CHECK(small_network::run(with.flat, small_network::images(3)).sizes() == at::IntArrayRef({3, 4}));
}

TEST_CASE("named layers give the features behind them, and what follows the last is gone") {
  const auto net = small_network::lowered();
  HeadOptions options;
  options.inputs = std::vector<std::string>{"stem"};
  const Headed with = headed(net, options);
  CHECK(tensor(with.flat, "head.0.weight").size(1) == 8);
  for (const NamedTensor& named : with.flat.tensors)
    CHECK(named.name.rfind("b.", 0) != 0);
  options.inputs = std::vector<std::string>{"a"};  // within the block
  CHECK(error_of([&] { headed(net, options); }).code() == ExitCode::usage);
}

TEST_CASE("inputs of no weight are left out, and the logits stay") {
  const auto net = small_network::lowered();
  HeadOptions options;
  options.inputs = HeadDepths::depths;
  for (const int idle : {0, 1}) {
    const Headed with = headed(net, options);
    tensor(with.flat, "head.0.weight").narrow(1, 8 * idle, 8).zero_();
    const Headed lean = without_idle_inputs(with.flat, with.recording, with.inputs);
    REQUIRE(lean.inputs.size() == 1);
    CHECK(lean.inputs[0].layer == (idle == 0 ? "b" : "stem"));
    CHECK(tensor(lean.flat, "head.0.weight").size(1) == 8);
    const bool dropped_layers = lean.flat.tensors.size() < with.flat.tensors.size();
    CHECK(dropped_layers == (idle == 1));
    const at::Tensor images = small_network::images(3);
    CHECK(torch::allclose(small_network::run(lean.flat, images),
                          small_network::run(with.flat, images), 1e-5, 1e-5));
    CHECK(analyse(lean.flat, lean.recording).layers.back().layer.name == "head.0");
  }
}
