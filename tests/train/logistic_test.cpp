#include <torch/torch.h>
#undef CHECK  // Torch has one of its own; Catch's is meant

#include "train/logistic.h"

// clang-format off: these have to come after Torch
#include "catch.h"
#include "error_of.h"
// clang-format on

using namespace tl;

namespace {

// Rows around a centre a class, `distance` apart, in features of very different size.
LabelledRows clusters(std::int64_t rows, std::int64_t features, double distance) {
  torch::manual_seed(1);
  const at::Tensor labels = torch::randint(0, 3, {rows});
  const at::Tensor centres = torch::randn({3, features}) * distance;
  const at::Tensor x = torch::randn({rows, features}) + centres.index_select(0, labels);
  const at::Tensor sizes = torch::logspace(-2, 2, features);
  return {standardise(x * sizes + 3 * sizes).rows, labels, torch::ones({rows}), 3};
}

Folds five_folds(std::int64_t rows) {
  Folds folds{{}, rows};
  for (int i = 0; i < rows; ++i)
    folds.of_row.push_back(i % 5);
  return folds;
}

at::Tensor logits(const at::Tensor& features, const LinearLayer& layer) {
  return torch::addmm(layer.bias, features, layer.weight.t());
}

// Of the objective that logistic.h names, by autograd.
double steepest_slope(const LabelledRows& rows, const LinearLayer& layer, double penalty) {
  const at::Tensor w = layer.weight.to(torch::kDouble).set_requires_grad(true);
  const at::Tensor b = layer.bias.to(torch::kDouble).set_requires_grad(true);
  const at::Tensor each = torch::nn::functional::cross_entropy(
      torch::addmm(b, rows.features.to(torch::kDouble), w.t()), rows.labels,
      torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone));
  ((each * rows.weights).mean() + penalty / 2 * w.square().sum()).backward();
  return std::max(w.grad().abs().max().item<double>(), b.grad().abs().max().item<double>());
}

}  // namespace

TEST_CASE("the layer is where the objective is flat, with many rows and with few") {
  for (const std::int64_t rows : {200, 20}) {
    LabelledRows problem = clusters(rows, rows == 20 ? 3000 : 50, 0.3);
    problem.weights = torch::linspace(0.5, 2, rows);
    for (const double penalty : {1.0, 0.01})
      CHECK(steepest_slope(problem, fit_logistic(problem, penalty), penalty) < 2e-5);
  }
}

TEST_CASE("standard features have mean 0 and variance 1, and constant ones no say") {
  torch::manual_seed(2);
  const at::Tensor x = torch::randn({60, 5}) * 40 + 7;
  x.select(1, 3).fill_(7.25);
  const StandardFeatures standard = standardise(x.clone());
  const at::Tensor varied = torch::tensor({0, 1, 2, 4});
  CHECK(standard.rows.mean(0).abs().max().item<double>() < 1e-5);
  CHECK(torch::allclose(standard.rows.index_select(1, varied).var(0, false), torch::ones({4})));
  CHECK(standard.rows.select(1, 3).abs().max().item<double>() == 0);

  const LinearLayer layer{torch::randn({2, 5}), torch::randn({2})};
  const LinearLayer undone = standard.undone(layer);
  CHECK(undone.weight.select(1, 3).abs().max().item<double>() == 0);
  CHECK(torch::allclose(logits(x, undone), logits(standard.rows, layer), 1e-4, 1e-4));
}

TEST_CASE("features in half the precision become float") {
  const at::Tensor x = torch::randn({60, 5}).to(torch::kBFloat16);
  CHECK(standardise(x).rows.scalar_type() == torch::kFloat);
}

TEST_CASE("a row of no weight is not learnt from") {
  LabelledRows rows = clusters(90, 4, 2);
  const LinearLayer all = fit_logistic(rows, 0.01);
  rows.weights.narrow(0, 0, 45).fill_(0);
  const LinearLayer half = fit_logistic(rows, 0.01);
  rows.labels.narrow(0, 0, 45).fill_(0);
  const LinearLayer spoilt = fit_logistic(rows, 0.01);
  CHECK(torch::allclose(half.weight, spoilt.weight, 1e-4, 1e-6));
  CHECK_FALSE(torch::allclose(half.weight, all.weight, 1e-4, 1e-6));
}

TEST_CASE("labels that mean nothing want the strongest penalty") {
  LabelledRows rows = clusters(100, 150, 0);
  const CrossValidation result = cross_validate(rows, five_folds(100));
  CHECK(result.best.penalty >= 1);
  CHECK(result.best.log_loss == Approx(std::log(3)).margin(0.05));
}

TEST_CASE("the penalty is the best of a path that was tried, and falls with what can be learnt") {
  const LabelledRows rows = clusters(100, 150, 0.5);
  const CrossValidation result = cross_validate(rows, five_folds(100));
  for (const PenaltyScore& score : result.path)
    CHECK(score.log_loss >= result.best.log_loss);
  CHECK(result.best.penalty < result.path.front().penalty);
  CHECK(result.best.log_loss < 0.4);
}

TEST_CASE("what is said of a fold was learnt from the others, with the folds' own penalty") {
  const LabelledRows rows = clusters(90, 5, 1);
  Folds folds = five_folds(90);
  folds.of_row[7] = -1;
  const CrossValidation result = cross_validate(rows, folds);
  REQUIRE(result.rows.size(0) == 89);
  CHECK((result.rows == 7).sum().item<int>() == 0);
  CHECK(torch::allclose(result.probabilities.sum(1), torch::ones({89})));

  LabelledRows others = rows;  // by hand, for the first fold
  others.weights = torch::ones({90});
  std::vector<std::int64_t> first;
  for (std::int64_t i = 0; i < 90; ++i) {
    if (folds.of_row[static_cast<std::size_t>(i)] == 0) first.push_back(i);
  }
  for (const std::int64_t i : first)
    others.weights[i] = 0;
  const LinearLayer layer = fit_logistic(others, result.best.penalty);
  const at::Tensor expected =
      torch::softmax(logits(rows.features[first[2]].unsqueeze(0), layer), 1);
  const auto place = (result.rows == first[2]).nonzero().item<std::int64_t>();
  CHECK(torch::allclose(result.probabilities[place], expected[0], 0, 2e-3));
}

TEST_CASE("rows that nobody is judged by are learnt from, but for those of the fold held out") {
  const LabelledRows rows = clusters(90, 5, 1);
  Folds folds = five_folds(90);
  folds.judged = 30;
  const CrossValidation result = cross_validate(rows, folds);
  CHECK(result.rows.size(0) == 30);
  CHECK(result.rows.max().item<int>() == 29);
  CHECK(result.best.log_loss < 0.9 * std::log(3));
}

TEST_CASE("a fit stops where it is asked to") {
  const LabelledRows rows = clusters(50, 5, 1);
  int asked = 0;
  const auto stop = [&] { return ++asked > 3; };
  CHECK(error_of([&] { cross_validate(rows, five_folds(50), {stop}); }).code() ==
        ExitCode::interrupted);
  CHECK(asked == 4);
}
