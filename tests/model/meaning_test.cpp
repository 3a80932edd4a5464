// What a classifier gives is told by its values, and made logits.
#include "model/api/input.h"
#include "tl/engine/inference.h"
#include "tl/model/model.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"

using namespace tl;

namespace {

// The softmax of what the library takes for logits, and what a file gives behind `ending`.
std::pair<at::Tensor, at::Tensor> confidences(const std::string& ending) {
  const TemporaryFolder folder;
  small_network::save(folder / "net.pt", R"(
    def forward(self, x):
      z = torch.linear(self.stem.forward(x).mean([2, 3]), self.w, self.c)
      return )" + ending + "\n");
  const Model model = Model::load(folder / "net.pt", small_network::input());
  const at::Tensor images = torch::randint(0, 256, {3, 16, 16, 3}, torch::kByte);
  torch::jit::Module file = torch::jit::load((folder / "net.pt").string());
  const at::Tensor x = to_input(images, model.info(), at::kCPU);
  return {Classifier(model).logits(images).softmax(1), file.forward({x}).toTensor()};
}

}  // namespace

TEST_CASE("probabilities are known by their values, whatever computed them") {
  for (const char* ending :
       {"torch.softmax(z, 1)", "torch.softmax(z, 1).clone()", "torch.softmax(z, 1).clamp(0., 1.)",
        "torch.softmax(z, 1).reshape([-1, 7])", "torch.exp(z) / torch.exp(z).sum([1], True)",
        "torch.exp(torch.log_softmax(z, 1))", "torch.softmax(z, 1)[:, :7]",
        "torch.softmax(z, 1).unsqueeze(1).squeeze(1)"}) {
    const auto [given, expected] = confidences(ending);
    INFO(ending);
    CHECK(torch::allclose(given, expected, 1e-3, 1e-5));
  }
}

TEST_CASE("logits and their log-softmax are taken as they are") {
  const auto [from_logits, logits] = confidences("z");
  CHECK(torch::allclose(from_logits, logits.softmax(1), 1e-3, 1e-5));
  const auto [from_logs, logs] = confidences("torch.log_softmax(z, 1)");
  CHECK(torch::allclose(from_logs, logs.exp(), 1e-3, 1e-5));
}

TEST_CASE("one output judges between no and yes, as a logit or as a sigmoid") {
  const auto [from_logit, logit] = confidences("z[:, :1]");
  CHECK(torch::allclose(from_logit.select(1, 1), logit.sigmoid().select(1, 0), 1e-3, 1e-5));
  const auto [from_sigmoid, sigmoid] = confidences("torch.sigmoid(z[:, :1]).clone()");
  CHECK(torch::allclose(from_sigmoid.select(1, 1), sigmoid.select(1, 0), 1e-3, 1e-5));
}

TEST_CASE("sigmoids keep their order") {
  const auto [given, expected] = confidences("torch.sigmoid(z)");
  CHECK(torch::equal(std::get<1>(given.topk(7, 1)), std::get<1>(expected.topk(7, 1))));
}
