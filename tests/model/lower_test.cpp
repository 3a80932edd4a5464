// What a forward says, and the flat graph has to say too.
#include "model/lower.h"

// clang-format off: these have to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"
#include "tl/engine/inference.h"

using namespace tl;
using small_network::Module;

namespace {

at::Tensor bytes(std::int64_t n) {
  torch::manual_seed(1);
  return torch::randint(0, 256, {n, 16, 16, 3}, torch::kByte);
}

// The largest difference of the flat graph's result from the network's own.
double off(const std::string& body) {
  const small_network::LoweredNetwork net = small_network::lowered(body);
  const at::NoGradGuard no_grad;
  const at::Tensor x = small_network::images(3);
  Module module = net.module;
  const at::Tensor own = module.forward({x}).toTensor();
  return (small_network::run(net.flat, x) - own).abs().max().item<double>();
}

// 32 features from 3 colours; a scripted LSTM keeps its weights twice, as this does.
void save_recurrent(const std::filesystem::path& file, at::ScalarType type) {
  torch::manual_seed(5);
  Module network("__torch__.Recurrent");
  std::vector<at::Tensor> weights = {torch::randn({32, 3}) * 0.3, torch::randn({32, 8}) * 0.3,
                                     torch::randn({32}) * 0.1, torch::randn({32}) * 0.1};
  const char* names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = weights[i].to(type);
    network.register_parameter(names[i], weights[i], false);
  }
  network.register_attribute("flat", c10::ListType::ofTensors(), c10::List<at::Tensor>(weights));
  network.register_buffer("order", torch::arange(7, -1, -1));
  network.define(R"(
    def forward(self, x):
      x = x.flatten(2).transpose(1, 2)
      h = torch.zeros([1, x.size(0), 8], dtype=x.dtype)
      y, a, b = torch.lstm(x, [h, h], self.flat, True, 1, 0.0, False, False, True)
      return y.mean([1]).index_select(1, self.order)
  )");
  network.save(file.string());
}

}  // namespace

TEST_CASE("lists whose items are set, and tensors that are copied over, give what they gave") {
  CHECK(off(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      parts = [x * 0.5, torch.relu(x)]
      parts[0] = parts[0] + 1.0
      parts[-1] = parts[-1] * 2.0
      return (parts[0] + parts[1]).mean([2, 3])
  )") < 1e-5);
  CHECK(off(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      x.copy_(x[:, :1] * 0.5)
      return x.mean([2, 3])
  )") < 1e-5);
}

TEST_CASE("a tensor that was copied over passes gradients on") {
  const auto net = small_network::lowered(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      x.copy_(x * 0.5)
      return x.mean([2, 3])
  )");
  const at::Tensor x = small_network::images(2).requires_grad_();
  Piece(net.flat).run(x).sum().backward();
  CHECK(x.grad().abs().sum().item<double>() > 0);
}

TEST_CASE("a network may ask for autocast and gradients") {
  CHECK(off(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      if torch.is_autocast_enabled():
        x = x * 3.0
      return x.mean([2, 3])
  )") < 1e-5);
}

TEST_CASE("weights that a network keeps in a list too are its parameters") {
  for (const at::ScalarType type : {torch::kFloat, torch::kHalf}) {
    const TemporaryFolder folder;
    save_recurrent(folder / "net.pt", type);
    Model model = Model::load(folder / "net.pt", small_network::input());
    CHECK(model.totals().all == 32 * (3 + 8 + 2));
    model.attach_head({}, 2, 1);
    model.freeze(FreezeWord::none);
    const Trainee trainee(model, BatchNorm::frozen);
    const Prefix prefix(model, Precision::fp32);
    trainee.logits(prefix.features(bytes(2)), true).square().sum().backward();
    for (const auto& [name, tensor] : trainee.state()) {
      INFO(name);
      if (name.find("order") == name.npos) CHECK(tensor.grad().abs().sum().item<double>() > 0);
    }
  }
}

// LibTorch 2.13 crashes there in channels-last memory.
TEST_CASE("a group norm right behind the frozen layers can learn") {
  const TemporaryFolder folder;
  torch::manual_seed(5);
  Module network("__torch__.Normed");
  network.register_module("stem", small_network::convolution(3, 8));
  network.register_parameter("w", torch::ones({8}), false);
  network.register_parameter("c", torch::zeros({8}), false);
  network.define(R"(
    def forward(self, x):
      x = torch.relu(self.stem.forward(x))
      return torch.group_norm(x, 2, self.w, self.c).mean([2, 3])
  )");
  network.save((folder / "net.pt").string());
  Model model = Model::load(folder / "net.pt", small_network::input());
  model.attach_head({}, 2, 1);
  model.freeze(1);
  const Trainee trainee(model, BatchNorm::frozen);
  trainee.logits(Prefix(model, Precision::fp32).features(bytes(4)), true).square().sum().backward();
  for (const auto& [name, tensor] : trainee.state()) {
    INFO(name);
    if (name == "backbone.w") CHECK(tensor.grad().defined());
  }
}
