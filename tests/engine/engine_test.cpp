#include "engine/engine.h"

#include "model/api/execute.h"
#include "model/api/input.h"
#include "model/api/parts.h"
#include "tl/engine/inference.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "catch.h"
#include "temporary_folder.h"

using namespace tl;

namespace {

constexpr const char* with_digamma = R"(
    def forward(self, x):
      x = torch.adaptive_avg_pool2d(self.stem.forward(x), [1, 1]).flatten(1)
      x = torch.digamma(x * x + 1.0)
      return torch.linear(x, self.w, self.c)
)";

Model load_small(const TemporaryFolder& folder, const std::string& body = small_network::residual) {
  const auto file = folder / "small.pt";
  small_network::save(file, body);
  InputSpec input;
  input.height = input.width = 16;
  input.resize = 16;
  Model model = Model::load(file, input);
  model.attach_head({}, 4, 1);
  model.freeze(FreezeWord::all);
  return model;
}

at::Tensor images(std::int64_t n) {
  torch::manual_seed(3);
  return torch::randint(0, 256, {n, 16, 16, 3}, torch::kByte);
}

EngineInput input_of(const Model& model, Precision precision) {
  return {frozen_prefix(model).flat, model.info(), at::kCPU, precision};
}

at::Tensor plain(const Model& model, const at::Tensor& x) {
  const torch::NoGradGuard no_grad;
  const EngineInput input = input_of(model, Precision::fp32);
  return Piece(input.slice).run(to_input(x, input.info, input.device));
}

double relative_error(const at::Tensor& given, const at::Tensor& expected) {
  return ((given.to(at::kFloat) - expected).norm() / expected.norm()).item<double>();
}

}  // namespace

TEST_CASE("each engine in fp32 gives what the plain network gives") {
  const TemporaryFolder folder;
  const Model model = load_small(folder);
  const at::Tensor x = images(19);  // no multiple of any request's size
  const at::Tensor expected = plain(model, x);
  const EngineInput input = input_of(model, Precision::fp32);
  CHECK(relative_error(make_libtorch_engine(input)->run(x), expected) < 1e-5);
#ifdef TL_OPENVINO
  CHECK(relative_error(make_openvino_engine(input)->run(x), expected) < 1e-5);
  CHECK(make_engine(input)->name() == "openvino");
#endif
}

#ifdef TL_OPENVINO
TEST_CASE("more images than all requests hold go through them in turn, call after call") {
  const TemporaryFolder folder;
  const Model model = load_small(folder);
  const at::Tensor x = images(40 * at::get_num_threads() + 3);
  const at::Tensor expected = plain(model, x);
  const auto engine = make_openvino_engine(input_of(model, Precision::fp32));
  for (int call = 0; call < 3; ++call)
    CHECK(relative_error(engine->run(x), expected) < 1e-5);
}
#endif

#ifdef TL_OPENVINO
// OpenVINO 2026.4 crashes on it.
TEST_CASE("a group norm on whose result another layer's is added is computed by another engine") {
  const TemporaryFolder folder;
  for (const char* last : {"g + x", "torch.maximum(x, g)", "torch.where(x > 0.2, g, x)"}) {
    const Model model = load_small(folder, R"(
    def forward(self, x):
      x = self.stem.forward(x).softmax(1) * 1.5
      g = torch.group_norm(x, 2, self.a.norm_weight, self.a.norm_bias)
      return )" + std::string(last) + "\n");
    CHECK(make_engine(input_of(model, Precision::fp32))->name() == "libtorch");
  }
}

// OpenVINO 2026.4 crashes on the second one.
TEST_CASE("layers around which vectors are passed are computed by another engine") {
  const TemporaryFolder folder;
  const Model model = load_small(folder, R"(
    def forward(self, x):
      x = torch.adaptive_avg_pool2d(self.stem.forward(x), [1, 1]).flatten(1)
      x = x + torch.linear(torch.relu(torch.linear(x, self.w, self.c)), self.w.t())
      x = x + torch.linear(torch.relu(torch.linear(x, self.w, self.c)), self.w.t())
      return torch.linear(x, self.w, self.c)
)");
  CHECK(make_engine(input_of(model, Precision::fp32))->name() == "libtorch");
}
#endif

TEST_CASE("each engine in bf16 gives bf16, near to the plain network") {
  const TemporaryFolder folder;
  const Model model = load_small(folder);
  const at::Tensor x = images(9);
  const at::Tensor expected = plain(model, x);
  const EngineInput input = input_of(model, Precision::bf16);
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(make_libtorch_engine(input));
#ifdef TL_OPENVINO
  engines.push_back(make_openvino_engine(input));
#endif
  for (const auto& engine : engines) {
    const at::Tensor features = engine->run(x);
    CHECK(features.scalar_type() == at::kBFloat16);
    const double error = relative_error(features, expected);
    CHECK(error < 0.02);
    CHECK(error > 1e-5);  // it did compute in bf16
  }
}

TEST_CASE("an image has the same features in any place of any batch") {
  const TemporaryFolder folder;
  // OpenVINO has no digamma: the second network is LibTorch's.
  for (const char* body : {small_network::residual, with_digamma}) {
    const Model model = load_small(folder, body);
    const Prefix prefix(model, resolve_precision(Precision::automatic, model));
    const at::Tensor x = images(40);
    const at::Tensor together = prefix.features(x);
    for (const std::int64_t i : {0, 7, 8, 39}) {
      CHECK(torch::equal(prefix.features(x.narrow(0, i, 1))[0], together[i]));
    }
  }
}

TEST_CASE("LibTorch takes images by the number that it is told, the last ones filled up") {
  const TemporaryFolder folder;
  EngineInput input = input_of(load_small(folder), Precision::fp32);
  const at::Tensor x = images(19);
  const at::Tensor expected = make_libtorch_engine(input)->run(x);
  input.images_per_call = 8;
  CHECK(relative_error(make_libtorch_engine(input)->run(x), expected) < 1e-5);
}

TEST_CASE("a network that the fast engines get wrong is computed by the plain one") {
  const TemporaryFolder folder;
  const Model model = load_small(folder, with_digamma);
  const at::Tensor x = images(3);
  CHECK(relative_error(Prefix(model, Precision::fp32).features(x), plain(model, x)) < 1e-5);
}

TEST_CASE("features that are nothing but rounding are computed by the plain engine") {
  const TemporaryFolder folder;
  const Model model = load_small(folder, R"(
    def forward(self, x):
      x = self.stem.forward(x)
      x = torch.instance_norm(x, None, None, None, None, True, 0.1, 1e-5, True)
      return x.mean([2, 3])
)");
  CHECK(make_engine(input_of(model, Precision::fp32))->run(images(3)).abs().max().item<float>() <
        1e-5);
}

TEST_CASE("features of one engine are not taken for another's") {
  const TemporaryFolder folder;
  const Model model = load_small(folder, with_digamma);
  const Prefix prefix(model, Precision::fp32);
  const std::string before = prefix.identity();
  prefix.prepare();
  const bool is_another = prefix.engine() != first_engine(at::kCPU);
  CHECK((prefix.identity() != before) == is_another);
  EngineInput input = input_of(model, Precision::fp32);
  CHECK(engine_identity("libtorch", input) != engine_identity("plain", input));
  const std::string some = engine_identity("libtorch", input);
  input.images_per_call = 7;
  CHECK(engine_identity("libtorch", input) != some);
}

TEST_CASE("the identity follows weights, cut and precision, and nothing else") {
  const TemporaryFolder folder;
  Model model = load_small(folder);
  const auto identity = [&](Precision precision) { return Prefix(model, precision).identity(); };
  const std::string before = identity(Precision::fp32);
  CHECK(identity(Precision::fp32) == before);
  CHECK(identity(Precision::bf16) != before);
  CHECK(Prefix(load_small(folder), Precision::fp32).identity() == before);
  model.freeze(1);
  CHECK(identity(Precision::fp32) != before);
  model.freeze(FreezeWord::all);
  const torch::NoGradGuard no_grad;
  model.tensors().front().second.view(-1)[0].add_(1e-3);
  CHECK(identity(Precision::fp32) != before);
}
