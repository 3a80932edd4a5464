// Evaluation mode is the library's to set, and what a network does in training mode alone is kept
// for training.
#include "tl/base/text.h"
#include "tl/engine/inference.h"
#include "tl/model/model.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"
#include "error_of.h"

using namespace tl;

namespace {

Model load(const TemporaryFolder& folder, const std::string& body) {
  small_network::save(folder / "net.pt", body);
  return Model::load(folder / "net.pt", small_network::input());
}

Error refusal(const std::string& body) {
  const TemporaryFolder folder;
  return error_of([&] { load(folder, body); });
}

// Every kind of mode that a trace in train mode fixes.
constexpr const char* in_train_mode = R"(
    def forward(self, x):
      x = torch.conv2d(x, self.stem.weight, None, [1, 1], [1, 1])
      x = torch.batch_norm(x, self.stem.norm_weight, None, self.stem.mean, self.stem.var,
                           True, 0.1, 1e-5, False)
      x = torch.dropout(x, 0.5, True)
      x = torch.instance_norm(x, None, None, self.a.mean, self.a.var, True, 0.1, 1e-5, True)
      x = torch.rrelu(x, 0.1, 0.3, True)
      t = x.flatten(2).transpose(1, 2)
      t = torch.scaled_dot_product_attention(t, t, t, None, 0.5)
      return torch.linear(t.mean([1]), self.w, self.c)
)";

std::vector<at::Tensor> copies(const Model& model) {
  std::vector<at::Tensor> all;
  for (const auto& [name, tensor] : model.tensors())
    all.push_back(tensor.clone());
  return all;
}

}  // namespace

TEST_CASE("a network traced in train mode is lowered in evaluation mode") {
  const TemporaryFolder folder;
  const Model model = load(folder, in_train_mode);
  const auto before = copies(model);
  const at::Tensor x = torch::randint(0, 256, {5, 16, 16, 3}, torch::kByte);
  const Classifier classifier(model);
  const at::Tensor together = classifier.logits(x);
  CHECK(
      torch::allclose(classifier.logits(x.narrow(0, 3, 1)), together.narrow(0, 3, 1), 1e-4, 1e-5));
  CHECK(torch::equal(classifier.logits(x), together));
  const auto after = copies(model);
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(torch::equal(before[i], after[i]));
}

TEST_CASE("networks whose rows depend on each other are refused with the operation") {
  const Error norm = refusal(R"(
    def forward(self, x):
      x = torch.batch_norm(self.stem.forward(x), None, None, None, None, True, 0.1, 1e-5, False)
      return torch.linear(x.mean([2, 3]), self.w, self.c)
  )");
  CHECK(norm.code() == ExitCode::model);
  CHECK(has(norm.what(), "images beside it"));
  CHECK(has(norm.where(), "aten::batch_norm"));
  const Error second_norm = refusal(R"(
    def forward(self, x):
      x = torch.group_norm(self.stem.forward(x), 2)
      return torch.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False)[:, :, 0, 0]
  )");
  CHECK(has(second_norm.where(), "aten::batch_norm"));
  const Error mean = refusal(R"(
    def forward(self, x):
      x = self.stem.forward(x).mean([2, 3])
      return torch.linear(x - x.mean([0], True), self.w, self.c)
  )");
  CHECK(has(mean.where(), "aten::mean"));
  for (const char* mixes : {"flip([0])", "mul(x.max())", "roll([1], [0])"}) {
    const Error error = refusal(str("\n    def forward(self, x):\n      return x.", mixes,
                                    ".mean([2, 3]).mul(0.001).softmax(1)\n"));
    CHECK(has(error.what(), "images beside it"));
    CHECK(has(error.where(), "aten::"));
  }
}

TEST_CASE("a network that enlarges rounding is no network that mixes images") {
  const TemporaryFolder folder;
  const Model model = load(folder, R"(
    def forward(self, x):
      x = self.stem.forward(x)
      x = torch.instance_norm(x, None, None, None, None, True, 0.1, 1e-5, True)
      return torch.linear(x.mean([2, 3]) * 1e8, self.w, self.c)
  )");
  CHECK(model.outputs() == 7);
}

TEST_CASE("what rounding makes of large values is not taken for the images beside one") {
  const TemporaryFolder folder;
  // As if the first column were a difference of values as large as the others.
  const Model model = load(folder, R"(
    def forward(self, x):
      x = self.stem.forward(x).mean([2, 3])
      scales = torch.cat([torch.zeros([1]), torch.full([6], 1e8)])
      return torch.linear(x, self.w, self.c) * scales + 10.0 * x.mean([0, 1])
  )");
  CHECK(model.outputs() == 7);
}

TEST_CASE("a network that draws random numbers, or keeps a state, is refused with the operation") {
  const Error chance = refusal(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      return (x + torch.rand_like(x)).mean([2, 3])
  )");
  CHECK(has(chance.what(), "random"));
  CHECK(has(chance.where(), "aten::rand_like"));
  const Error state = refusal(R"(
    def forward(self, x):
      self.c.add_(1.0)
      return torch.linear(self.stem.forward(x).mean([2, 3]), self.w, self.c)
  )");
  CHECK(has(state.what(), "it keeps"));
  CHECK(has(state.where(), "aten::add_"));
}

namespace {

// All of it, with a head of two classes.
Model to_be_trained(const torch::jit::Module& network, const TemporaryFolder& folder) {
  network.save((folder / "net.pt").string());
  Model model = Model::load(folder / "net.pt", small_network::input());
  HeadOptions head;
  head.dropout = 0;
  model.attach_head(head, 2, 1);
  model.freeze(FreezeWord::none);
  return model;
}

}  // namespace

TEST_CASE("what a network does in training mode alone is done in training") {
  const TemporaryFolder folder;
  torch::jit::Module network("__torch__.Moody");
  torch::manual_seed(2);
  network.register_attribute("training", c10::BoolType::get(), false);
  network.register_parameter("first", torch::randn({8, 3, 3, 3}) * 0.2, false);
  network.register_parameter("second", torch::randn({8, 8, 3, 3}) * 0.2, false);
  network.define(R"(
    def forward(self, x):
      x = torch.conv2d(x, self.first, None, [1, 1], [1, 1])
      if self.training:
        x = x * 3.0
      return torch.relu(torch.conv2d(x, self.second, None, [1, 1], [1, 1]))
  )");
  Model model = to_be_trained(network, folder);
  const Trainee trainee(model, BatchNorm::frozen);
  const at::Tensor x = small_network::images(3);
  const at::Tensor evaluated = trainee.logits(x, false);
  CHECK_FALSE(torch::allclose(trainee.logits(x, true), evaluated, 1e-2, 1e-2));
  trainee.logits(x, true).sum().backward();
  for (const at::Tensor& parameter : trainee.backbone_parameters())
    CHECK(parameter.grad().defined());
  model.freeze(FreezeWord::all);  // what is frozen stays in evaluation mode
  const Trainee tail(model, BatchNorm::frozen);
  const at::Tensor features =
      Prefix(model, Precision::fp32).features(torch::randint(0, 256, {2, 16, 16, 3}, torch::kByte));
  CHECK(torch::allclose(tail.logits(features, true), tail.logits(features, false)));
}

namespace {

// Logits in training mode less those in evaluation mode, where training adds 1 to each of seven
// features in front of `ending`.
at::Tensor added_in_training(const TemporaryFolder& folder, const std::string& ending) {
  torch::jit::Module network("__torch__.Moody");
  torch::manual_seed(2);
  network.register_attribute("training", c10::BoolType::get(), false);
  network.register_parameter("weight", torch::randn({7, 3, 3, 3}) * 0.2, false);
  network.register_parameter("classes", torch::randn({4, 7}), false);
  network.define(R"(
    def forward(self, x):
      x = torch.conv2d(x, self.weight, None, [1, 1], [1, 1]).mean([2, 3])
      if self.training:
        x = x + 1.0
      )" + ending +
                 "\n");
  Model model = to_be_trained(network, folder);
  const Trainee trainee(model, BatchNorm::frozen);
  const at::Tensor x = small_network::images(3);
  for (const auto& [name, tensor] : trainee.state()) {
    if (name == "head.0.weight") {
      const torch::NoGradGuard no_grad;
      tensor.fill_(1.0);
    }
  }
  return (trainee.logits(x, true) - trainee.logits(x, false)).detach();
}

}  // namespace

TEST_CASE("what comes last in training mode alone is done in front of the head") {
  const TemporaryFolder folder;
  for (const char* ending : {"return x", "return torch.linear(x, self.classes)",
                             "return torch.linear(torch.cat([x, x], 1)[:, :7], self.classes)"}) {
    INFO(ending);
    CHECK(torch::allclose(added_in_training(folder, ending), torch::full({3, 2}, 7.0), 1e-3, 1e-3));
  }
}

TEST_CASE("parameters that the file does not train are kept") {
  const TemporaryFolder folder;
  torch::jit::Module network("__torch__.Fixed");
  torch::manual_seed(2);
  const auto add = [&](const char* name, at::Tensor tensor, bool trains) {
    network.register_parameter(name, tensor.set_requires_grad(trains), false);
  };
  add("weight", torch::randn({4, 3, 3, 3}), true);
  add("table", torch::randn({1, 4, 16, 16}), false);
  add("steps", torch::randint(0, 3, {1, 4, 1, 1}), false);
  network.define(R"(
    def forward(self, x):
      return torch.conv2d(x, self.weight, None, [1, 1], [1, 1]) * self.table + self.steps
  )");
  network.save((folder / "net.pt").string());
  Model model = Model::load(folder / "net.pt", small_network::input());
  model.attach_head({}, 2, 1);
  model.freeze(FreezeWord::none);
  CHECK(Trainee(model, BatchNorm::frozen).backbone_parameters().size() == 1);
  CHECK(model.totals().trainable == 4 * 27 + 2 * 4 + 2);
}

TEST_CASE("running statistics that are means over all batches move in training") {
  const TemporaryFolder folder;
  torch::jit::Module network("__torch__.Cumulative");
  network.register_parameter("weight", torch::randn({4, 3, 3, 3}), false);
  network.register_buffer("running_mean", torch::zeros({4}));
  network.register_buffer("running_var", torch::ones({4}));
  network.register_buffer("num_batches_tracked", torch::tensor(0));
  network.define(R"(
    def forward(self, x):
      x = torch.conv2d(x, self.weight, None, [1, 1], [1, 1])
      return torch.batch_norm(x, None, None, self.running_mean, self.running_var, False, 0.0, 1e-5,
                              False)
  )");
  network.save((folder / "net.pt").string());
  Model model = Model::load(folder / "net.pt", small_network::input());
  model.attach_head({}, 2, 1);
  model.freeze(FreezeWord::none);
  const Trainee trainee(model, BatchNorm::train);
  const auto state = [&](const std::string& name) {
    for (const auto& [key, tensor] : trainee.state()) {
      if (key == "backbone." + name) return tensor.clone();
    }
    return at::Tensor();
  };
  const at::Tensor first = small_network::images(4);
  const at::Tensor second = first * 2 + 1;
  const auto mean = [&](const at::Tensor& x) {
    return torch::conv2d(x, state("weight"), {}, 1, 1).mean({0, 2, 3});
  };
  trainee.logits(first, true);
  CHECK(torch::allclose(state("running_mean"), mean(first), 1e-3, 1e-4));
  trainee.logits(second, true);
  CHECK(torch::allclose(state("running_mean"), (mean(first) + mean(second)) / 2, 1e-3, 1e-4));
  CHECK(state("num_batches_tracked").item<int>() == 2);
}
