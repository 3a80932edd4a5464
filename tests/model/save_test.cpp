#include "tl/model/model.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "temporary_folder.h"

#include <set>

using namespace tl;

namespace {

Model load(const TemporaryFolder& folder, const std::array<float, 3>& mean = {}) {
  small_network::save(folder / "net.pt", small_network::residual);
  InputSpec input;
  input.height = input.width = input.resize = 16;
  input.mean = mean;
  input.std = {1, 1, 1};
  Model model = Model::load(folder / "net.pt", input);
  model.attach_head({}, 4, 1);
  return model;
}

torch::jit::Module saved(const Model& model, const TemporaryFolder& folder) {
  model.save(folder / "model.pt", "{}");
  return torch::jit::load((folder / "model.pt").string());
}

template <typename Tensors>
std::set<std::string> names(const Tensors& tensors) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors)
    names.insert(name);
  return names;
}

}  // namespace

TEST_CASE("a saved module has its parameters and buffers under the backbone's and head's names") {
  const TemporaryFolder folder;
  const Model model = load(folder);
  const torch::jit::Module module = saved(model, folder);
  const auto parameters = names(module.named_parameters());
  const auto buffers = names(module.named_buffers());
  CHECK(parameters.count("backbone.stem.weight") == 1);
  CHECK(parameters.count("head.0.bias") == 1);
  CHECK(buffers == std::set<std::string>{"backbone.stem.mean", "backbone.stem.var",
                                         "backbone.a.mean", "backbone.a.var", "backbone.b.mean",
                                         "backbone.b.var"});
  auto all = parameters;
  all.insert(buffers.begin(), buffers.end());
  CHECK(all == names(model.tensors()));
  for (const auto& [name, tensor] : model.tensors()) {
    INFO(name);
    const auto list = module.named_attributes();
    for (const auto& attribute : list) {
      if (attribute.name == name) CHECK(torch::equal(attribute.value.toTensor(), tensor));
    }
  }
}

TEST_CASE("the saved parameters can be trained further, those that were frozen too") {
  const TemporaryFolder folder;
  Model model = load(folder);
  model.freeze(FreezeWord::all);
  for (const at::Tensor& parameter : saved(model, folder).parameters())
    CHECK(parameter.requires_grad());
}

TEST_CASE("the normalisation is inside") {
  const TemporaryFolder folder;
  const at::Tensor x = torch::rand({2, 3, 16, 16});
  const auto logits = [&](const std::array<float, 3>& mean, const at::Tensor& images) {
    return saved(load(folder, mean), folder).forward({images}).toTensor();
  };
  const at::Tensor expected = logits({0, 0, 0}, x - 0.25);
  CHECK(torch::allclose(logits({0.25F, 0.25F, 0.25F}, x), expected, 1e-5, 1e-5));
}

TEST_CASE("the metadata is an extra file of the archive") {
  const TemporaryFolder folder;
  load(folder).save(folder / "model.pt", R"({"input_size": 16, "source": "a test"})");
  CHECK(read_file_info(folder / "model.pt").source == "a test");
  CHECK(read_file_info(folder / "model.pt").normalises);
}

TEST_CASE("a file that can't be written is an error of the machine's, and leaves nothing") {
  const TemporaryFolder folder;
  const Model model = load(folder);
  const auto file = folder / "no folder" / "model.pt";
  CHECK(error_of([&] { model.save(file, "{}"); }).code() == ExitCode::failure);
  CHECK_FALSE(std::filesystem::exists(file));
}
