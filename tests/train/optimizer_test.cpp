#include "tl/train/optimizer.h"

// clang-format off: Torch has a CHECK of its own, and this one has to come before catch.h
#include <torch/torch.h>
#undef CHECK
// clang-format on

#include "catch.h"

using namespace tl;

namespace {

// One parameter in the head and one in the backbone, all ones.
struct Parameters {
  at::Tensor head = torch::ones({2}).requires_grad_();
  at::Tensor backbone = torch::ones({3}).requires_grad_();

  Optimizer optimizer(const OptimizerOptions& options) const {
    return {options, {head}, {backbone}};
  }
  void step(Optimizer& optimizer, double gradient) const {
    head.mutable_grad() = torch::full_like(head, gradient);
    backbone.mutable_grad() = torch::full_like(backbone, gradient);
    optimizer.step();
  }
};

OptimizerOptions plain_sgd() {
  OptimizerOptions options;
  SgdOptions rule;
  rule.momentum = 0;
  options.rule = rule;
  options.lr = 0.1;
  return options;
}

bool all_near(const at::Tensor& tensor, double value) {
  return torch::allclose(tensor, torch::full_like(tensor, value));
}

}  // namespace

TEST_CASE("head and backbone learn at rates of their own") {
  OptimizerOptions options = plain_sgd();
  options.backbone_lr = 0.02;
  const Parameters parameters;
  Optimizer optimizer = parameters.optimizer(options);
  parameters.step(optimizer, 2);
  CHECK(all_near(parameters.head, 1 - 0.1 * 2));
  CHECK(all_near(parameters.backbone, 1 - 0.02 * 2));
  CHECK(optimizer.head_rate() == 0.1);
}

TEST_CASE("the backbone's rate is a tenth of the head's where none is given") {
  const Parameters parameters;
  Optimizer optimizer = parameters.optimizer(plain_sgd());
  parameters.step(optimizer, 2);
  CHECK(all_near(parameters.backbone, 1 - 0.01 * 2));
}

TEST_CASE("a factor multiplies both rates, and not the factor before") {
  const Parameters parameters;
  Optimizer optimizer = parameters.optimizer(plain_sgd());
  optimizer.set_rate_factor(0.25);
  optimizer.set_rate_factor(0.5);
  parameters.step(optimizer, 2);
  CHECK(all_near(parameters.head, 1 - 0.05 * 2));
  CHECK(all_near(parameters.backbone, 1 - 0.005 * 2));
}

TEST_CASE("without gradients nothing is learnt") {
  const Parameters parameters;
  Optimizer optimizer = parameters.optimizer(plain_sgd());
  parameters.head.mutable_grad() = torch::ones_like(parameters.head);
  optimizer.zero_grad();
  optimizer.step();
  CHECK(all_near(parameters.head, 1));
}

TEST_CASE("an optimizer that was saved and loaded makes the same next step") {
  RmsPropOptions with_momentum;
  with_momentum.momentum = 0.9;
  using Rule = decltype(OptimizerOptions::rule);
  for (const Rule& rule :
       {Rule(AdamOptions{}), Rule(AdamWOptions{}), Rule(SgdOptions{}), Rule(with_momentum)}) {
    INFO("optimizer " << rule.index());
    OptimizerOptions options;
    options.rule = rule;
    const Parameters one;
    Optimizer before = one.optimizer(options);
    one.step(before, 1);
    one.step(before, -3);

    const Parameters other;
    {
      const torch::NoGradGuard no_grad;
      other.head.copy_(one.head);
      other.backbone.copy_(one.backbone);
    }
    Optimizer after = other.optimizer(options);
    torch::serialize::OutputArchive out;
    before.save(out);
    std::ostringstream bytes;
    out.save_to(bytes);
    torch::serialize::InputArchive in;
    std::istringstream saved(bytes.str());
    in.load_from(saved);
    after.load(in);

    one.step(before, 2);
    other.step(after, 2);
    CHECK(torch::equal(one.head, other.head));
    CHECK(torch::equal(one.backbone, other.backbone));
  }
}
