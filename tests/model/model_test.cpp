#include "tl/model/model.h"

#include "tl/engine/inference.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "temporary_folder.h"

#include <fstream>

using namespace tl;

namespace {

InputSpec small_input() {
  InputSpec input;
  input.height = input.width = input.resize = 16;
  return input;
}

Model load(const TemporaryFolder& folder, const std::string& body = small_network::residual) {
  small_network::save(folder / "net.pt", body);
  return Model::load(folder / "net.pt", small_input());
}

Error refusal(const std::string& body) {
  const TemporaryFolder folder;
  small_network::save(folder / "net.pt", body);
  return error_of([&] { Model::load(folder / "net.pt", small_input()); });
}

at::Tensor images(int count) {
  torch::manual_seed(1);
  return torch::randint(0, 256, {count, 16, 16, 3}, torch::kByte);
}

std::vector<std::string> names(const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (const Layer& layer : layers)
    names.push_back(layer.name);
  return names;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

TEST_CASE("layers are the parameterised operations in order, each with its norm") {
  const TemporaryFolder folder;
  const Model model = load(folder);
  CHECK(names(model.layers()) == std::vector<std::string>{"stem", "a", "b", "w"});
  CHECK(model.layers()[0].kind == "conv 3x3 + batch_norm");
  CHECK(model.layers()[0].parameters == 3 * 8 * 9 + 16);
  CHECK(model.layers()[0].output == std::vector<std::int64_t>{8, 16, 16});
  CHECK(model.layers()[0].tensors.size() == 5);
  CHECK(model.outputs() == 7);
  CHECK(model.totals().all == 216 + 2 * 576 + 3 * 16 + 63);
}

TEST_CASE("inside a residual block there is no cut") {
  const TemporaryFolder folder;
  const Model model = load(folder);
  CHECK(model.layers()[0].cut_after);
  CHECK_FALSE(model.layers()[1].cut_after);
  CHECK(model.layers()[2].cut_after);
}

TEST_CASE("the linear layer at the end is the classifier, a normed convolution is not") {
  const TemporaryFolder folder;
  CHECK(load(folder).layers().back().classifier);
  const Model features = load(folder, R"(
    def forward(self, x):
      return torch.adaptive_avg_pool2d(self.a.forward(self.stem.forward(x)), [1, 1]).flatten(1)
  )");
  CHECK(names(features.layers()) == std::vector<std::string>{"stem", "a"});
  CHECK_FALSE(features.layers().back().classifier);
}

TEST_CASE("prefix and trainee together are the whole network, for every k") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.attach_head({}, 4, 1);
  const at::Tensor x = images(5);
  const at::Tensor whole = Classifier(model).logits(x);
  CHECK(whole.sizes() == at::IntArrayRef({5, 4}));
  for (int k = 0; k <= 3; ++k) {
    CHECK(model.freeze(k) == k);
    const at::Tensor logits =
        Trainee(model, BatchNorm::frozen).logits(Prefix(model, Precision::fp32).features(x), false);
    CHECK(largest_difference(logits, whole) < 1e-5);
  }
}

TEST_CASE("the prefix reaches as far as the cuts allow and gives no gradients") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.attach_head({}, 4, 1);
  const auto features = [&](int k) {
    model.freeze(k);
    return Prefix(model, Precision::fp32).features(images(2));
  };
  CHECK(features(0).sizes() == at::IntArrayRef({2, 3, 16, 16}));
  CHECK(features(1).sizes() == at::IntArrayRef({2, 8, 16, 16}));
  CHECK(features(2).sizes() == features(1).sizes());  // no cut inside the block
  CHECK(features(3).sizes() == at::IntArrayRef({2, 8}));
  CHECK_FALSE(features(3).requires_grad());
}

TEST_CASE("what is frozen keeps every bit while the rest learns") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.attach_head({}, 4, 1);
  model.freeze(2);
  std::vector<std::pair<std::string, at::Tensor>> before;
  for (const auto& [name, tensor] : model.tensors())
    before.emplace_back(name, tensor.clone());
  const Trainee trainee(model, BatchNorm::train);
  trainee.logits(Prefix(model, Precision::fp32).features(images(6)), true).sum().backward();
  {
    const torch::NoGradGuard no_grad;
    for (at::Tensor& p : std::vector<at::Tensor>(trainee.backbone_parameters()))
      p.sub_(p.grad());
  }
  std::vector<std::string> frozen;
  for (const std::size_t layer : {0, 1}) {
    for (const std::string& name : model.layers()[layer].tensors)
      frozen.push_back("backbone." + name);
  }
  const auto after = model.tensors();
  CHECK(frozen.size() == 10);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto& [name, tensor] = after[i];
    const bool is_frozen = std::find(frozen.begin(), frozen.end(), name) != frozen.end();
    const bool head = name.rfind("head.", 0) == 0;
    INFO(name);
    CHECK(torch::equal(tensor, before[i].second) == (is_frozen || head));
  }
}

TEST_CASE("batch-norm that is not trained keeps its statistics although its weights learn") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.attach_head({}, 4, 1);
  model.freeze(FreezeWord::none);
  const auto statistic = [&] {
    for (const auto& [name, tensor] : model.tensors()) {
      if (name == "backbone.stem.mean") return tensor.clone();
    }
    return at::Tensor();
  };
  const at::Tensor before = statistic();
  const Trainee kept(model, BatchNorm::frozen);
  kept.logits(Prefix(model, Precision::fp32).features(images(6)), true);
  CHECK(torch::equal(statistic(), before));
  const Trainee moved(model, BatchNorm::train);
  moved.logits(Prefix(model, Precision::fp32).features(images(6)), true);
  CHECK_FALSE(torch::equal(statistic(), before));
}

TEST_CASE("dropout is on in training behind the frozen layers alone") {
  const TemporaryFolder folder;
  Model model = load(folder, R"(
    def forward(self, x):
      x = torch.dropout(self.stem.forward(x), 0.5, False)
      x = torch.dropout(self.a.forward(x), 0.5, False)
      x = torch.adaptive_avg_pool2d(x, [1, 1]).flatten(1)
      return torch.linear(x, self.w, self.c)
  )");
  HeadOptions head;
  head.dropout = 0;
  model.attach_head(head, 4, 1);
  const auto varies = [&](int k) {
    model.freeze(k);
    const Prefix prefix(model, Precision::fp32);
    const Trainee trainee(model, BatchNorm::frozen);
    const at::Tensor features = prefix.features(images(2));
    return !torch::equal(trainee.logits(features, true), trainee.logits(features, true));
  };
  CHECK(varies(0));
  CHECK(varies(1));
  CHECK_FALSE(varies(2));  // the one behind the last frozen layer is the head's business
}

TEST_CASE("a head pools, flattens and has hidden layers as asked") {
  const TemporaryFolder folder;
  const auto trainable = [&](HeadOptions options) {
    Model model = load(folder);
    model.attach_head(options, 2, 1);
    model.freeze(FreezeWord::all);
    return model.totals().trainable;
  };
  HeadOptions options;
  CHECK(trainable(options) == 8 * 2 + 2);
  options.pool = Pool::flatten;
  CHECK(trainable(options) == 8 * 256 * 2 + 2);
  options.pool = Pool::max;
  options.hidden = {5};
  CHECK(trainable(options) == 8 * 5 + 5 + 5 * 2 + 2);
}

TEST_CASE("freezing by name takes the layer and all before it") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.attach_head({}, 2, 1);
  CHECK(model.freeze(std::string("a")) == 2);
  CHECK(model.freeze(FreezeWord::all) == 3);
  const Error unknown = error_of([&] { model.freeze(std::string("sten")); });
  CHECK(unknown.code() == ExitCode::usage);
  CHECK(has(unknown.hint(), "stem"));
  CHECK(error_of([&] { model.freeze(4); }).code() == ExitCode::usage);
}

TEST_CASE("from scratch, only what is not frozen gets new weights") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.attach_head({}, 2, 1);
  model.freeze(1);
  std::vector<at::Tensor> before;
  for (const auto& [name, tensor] : model.tensors())
    before.push_back(tensor.clone());
  model.initialise_unfrozen(7);
  const auto after = model.tensors();
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto& [name, tensor] = after[i];
    const bool kept = name.rfind("backbone.stem", 0) == 0 || name.rfind("head", 0) == 0;
    INFO(name);
    CHECK(torch::equal(tensor, before[i]) == kept);
  }
}

TEST_CASE("a saved model loads as plain TorchScript and as the backbone of another") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.attach_head({}, 4, 1);
  model.save(folder / "model.pt", R"({"input_size": 16, "classes": ["a", "b", "c", "d"]})");
  const at::Tensor x = images(3);
  const at::Tensor expected = Classifier(model).logits(x);
  auto plain = torch::jit::load((folder / "model.pt").string());
  const at::Tensor scaled = x.permute({0, 3, 1, 2}).to(torch::kFloat) / 255;
  CHECK(largest_difference(plain.forward({scaled}).toTensor(), expected) < 1e-5);

  Model again = Model::load(folder / "model.pt");
  CHECK(again.info().normalises);
  CHECK(again.info().classes.size() == 4);
  CHECK(largest_difference(Classifier(again).logits(x), expected) < 1e-5);
  CHECK(names(again.layers())[0] == "stem");
  again.attach_head({}, 2, 1);
  CHECK(again.layers().size() == 3);
}

TEST_CASE("auxiliary outputs that are not set are no hindrance") {
  const TemporaryFolder folder;
  const Model model = load(folder, R"(
    def forward(self, x) -> Tuple[Tensor, Optional[Tensor]]:
      x = torch.adaptive_avg_pool2d(self.stem.forward(x), [1, 1]).flatten(1)
      return torch.linear(x, self.w, self.c), None
  )");
  CHECK(model.outputs() == 7);
}

TEST_CASE("networks that are no image classifiers are refused with the place") {
  const Error two = refusal("def forward(self, x, y):\n  return x + y\n");
  CHECK(two.code() == ExitCode::model);
  CHECK(has(two.what(), "takes no image batch"));

  const Error pair = refusal("def forward(self, x):\n  return x, x\n");
  CHECK(has(pair.what(), "not one tensor"));

  const Error grey = refusal("def forward(self, x):\n  return self.a.forward(x)\n");
  CHECK(has(grey.what(), "fails on a batch of images"));
  CHECK(has(grey.where(), "conv2d"));

  const Error pixels = refusal(R"(
    def forward(self, x):
      if bool(x.sum() > 0):
        x = self.stem.forward(x)
      return x.flatten(1)
  )");
  CHECK(has(pixels.what(), "pixel values"));

  const Error fixed = refusal(R"(
    def forward(self, x):
      return self.stem.forward(x).mean([0, 2, 3]).view([1, 8])
  )");
  CHECK(has(fixed.what(), "row for each image"));

  const Error views = refusal(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      x[:, 0].zero_()
      return x.flatten(1)
  )");
  CHECK(has(views.what(), "another is a view"));
  CHECK(has(views.where(), "aten::zero_"));

  const Error third_image = refusal(R"(
    def forward(self, x):
      x = self.stem.forward(x)
      x[2:].zero_()
      return x.flatten(1)
  )");
  CHECK(has(third_image.what(), "another is a view"));
}

TEST_CASE("files that are no TorchScript are refused") {
  const TemporaryFolder folder;
  CHECK(has(error_of([&] { Model::load(folder / "none.pt"); }).what(), "no such file"));
  std::ofstream(folder / "text.pt") << "not a network";
  CHECK(error_of([&] { Model::load(folder / "text.pt"); }).code() == ExitCode::model);
  torch::save(torch::ones({2}), (folder / "tensor.pt").string());
  CHECK(error_of([&] { Model::load(folder / "tensor.pt"); }).code() == ExitCode::model);
}
