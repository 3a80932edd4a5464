#include "train/logistic.h"

#include "tl/base/refusal.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/linalg_solve_triangular.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/var_mean.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/optim/lbfgs.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tl {
namespace {

constexpr std::int64_t logits_per_call = 1 << 22;  // bounds the memory of a pass over the rows
constexpr std::int64_t most_in_double = 1 << 24;   // numbers; a larger problem is solved in float
constexpr int most_iterations = 1000;

// Penalties that are tried, and how exactly the problem is solved for each.
constexpr double strongest = 10;
constexpr int most_penalties = 17;  // the weakest is 1e-7
constexpr double tolerance_of_path = 1e-4;
constexpr double least_gain = 1e-3;  // of the log loss, for which a weaker penalty is tried

// The lower factor of a matrix that is positive definite but for rounding: its diagonal gets as
// little as it takes.
at::Tensor lower_factor(at::Tensor matrix) {
  const double size = matrix.diagonal().mean().item<double>() + 1e-12;
  double raised = 0;
  for (double share = 1e-12; share < 1; share *= 10) {
    matrix.diagonal().add_(share * size - raised);
    raised = share * size;
    const auto [factor, info] = at::linalg_cholesky_ex(matrix);
    if (info.item<int>() == 0) return factor;
  }
  throw Error(ExitCode::failure, "the features are too large to fit a head to");
}

// N x N, double: rounding in single precision would be seen in what is learnt from few rows.
at::Tensor products_of_rows(const at::Tensor& features) {
  const at::Tensor exact = features.to(at::kDouble);
  return at::matmul(exact, exact.t());
}

// The rows as the solver sees them: in the fewest coordinates.
class Coordinates {
 public:
  explicit Coordinates(const at::Tensor& features) : features_(features), rows_(features) {
    if (features.size(0) >= features.size(1)) return;
    // Rows with the same inner products pose the same problem.
    factor_ = lower_factor(products_of_rows(features));
    rows_ = factor_;
  }

  // N x R, float or double.
  const at::Tensor& rows() const { return rows_; }

  // `solution`: classes x (R + 1), the bias last.
  LinearLayer layer(const at::Tensor& solution) const {
    const std::int64_t columns = solution.size(1) - 1;
    at::Tensor weight = solution.narrow(1, 0, columns).to(at::kDouble);
    if (factor_.defined()) {
      const at::Tensor shares =
          at::linalg_solve_triangular(factor_.t(), weight.t(), /*upper=*/true);
      weight = at::matmul(shares.t().to(at::kFloat), features_);
    }
    return {weight.to(at::kFloat), solution.select(1, columns).to(at::kFloat)};
  }

 private:
  at::Tensor features_;  // N x D
  at::Tensor factor_;    // Cholesky's, N x N; undefined where the features are the coordinates
  at::Tensor rows_;
};

// Coordinates in which a quadratic form with that lower factor is the square of the length. Where
// it is that of the second derivatives, the curvature is the same in all directions. Undefined: the
// layer's own coordinates.
class Metric {
 public:
  explicit Metric(at::Tensor factor) : factor_(std::move(factor)) {}

  at::Tensor from_layer(const at::Tensor& layer) const {
    return factor_.defined() ? at::matmul(layer, factor_) : layer.clone();
  }
  at::Tensor to_layer(const at::Tensor& point) const {
    if (!factor_.defined()) return point.clone();
    return at::linalg_solve_triangular(factor_, point, /*upper=*/false, /*left=*/false);
  }
  at::Tensor from_slope(const at::Tensor& slope) const {
    if (!factor_.defined()) return slope;
    return at::linalg_solve_triangular(factor_.t(), slope, /*upper=*/true, /*left=*/false);
  }

 private:
  at::Tensor factor_;
};

// Some problems over the same rows, which differ in how much each row counts, solved as one: a pass
// over the rows serves all of them. A layer of theirs is (problems * classes) x (R + 1), the bias
// last.
class Problems {
 public:
  // `weights`: N x problems; 0 leaves a row out.
  Problems(at::Tensor rows, at::Tensor labels, const at::Tensor& weights, std::int64_t classes,
           const FitWatch& watch)
      : rows_(std::move(rows)), labels_(std::move(labels)), classes_(classes), watch_(watch) {
    weights_ = (weights / (weights > 0).sum(0, /*keepdim=*/true).clamp_min(1))
                   .to(rows_.scalar_type())
                   .unsqueeze(2);
    if (has_many_rows()) {
      products_ = at::matmul(rows_.t(), rows_).to(at::kDouble).div_(rows_.size(0));
    }
  }

  at::Tensor no_layer() const {
    return at::zeros({weights_.size(1) * classes_, rows_.size(1) + 1}, rows_.options());
  }

  // Goes on from `layer`, in place.
  void solve(at::Tensor& layer, double penalty, double tolerance) const {
    const Metric metric(has_many_rows() ? curvature(penalty) : at::Tensor());
    at::Tensor point = metric.from_layer(layer);
    point.mutable_grad() = at::zeros_like(point);
    torch::optim::LBFGS solver({point}, torch::optim::LBFGSOptions(1)
                                            .max_iter(most_iterations)
                                            .history_size(10)
                                            .tolerance_grad(tolerance)
                                            .tolerance_change(tolerance * 1e-2)
                                            .line_search_fn("strong_wolfe"));
    solver.step([&] {
      at::Tensor slope = at::zeros_like(point);
      const at::Tensor value = loss(metric.to_layer(point), penalty, slope);
      point.mutable_grad().copy_(metric.from_slope(slope));
      return value;
    });
    layer = metric.to_layer(point);
  }

  // work(first row, log probabilities: rows x problems x classes) for a part of the rows after
  // the other.
  template <typename Work>
  void for_each_part(const at::Tensor& layer, const Work& work) const {
    const std::int64_t columns = rows_.size(1);
    const std::int64_t step = std::max<std::int64_t>(1, logits_per_call / layer.size(0));
    for (std::int64_t first = 0; first < rows_.size(0); first += step) {
      if (watch_.stop && watch_.stop()) {
        throw Refusal(ExitCode::interrupted, "stopped while the head was fitted", "",
                      "run the same command again", {Remedy::resume});
      }
      const at::Tensor part = rows_.narrow(0, first, std::min(step, rows_.size(0) - first));
      const at::Tensor logits =
          at::addmm(layer.select(1, columns), part, layer.narrow(1, 0, columns).t());
      work(first, at::log_softmax(logits.view({part.size(0), -1, classes_}), 2));
    }
  }

 private:
  // A pass over them takes longer than the metric, which saves half of the passes.
  bool has_many_rows() const { return rows_.size(0) > 2 * rows_.size(1); }

  // The lower Cholesky factor of a class's second derivatives, bias last, where all are as likely.
  at::Tensor curvature(double penalty) const {
    const std::int64_t columns = rows_.size(1);
    const double share = 1.0 / static_cast<double>(classes_);
    at::Tensor factor = at::zeros({columns + 1, columns + 1}, products_.options());
    at::Tensor derivatives = products_ * share;
    derivatives.diagonal().add_(penalty);
    factor.narrow(0, 0, columns).narrow(1, 0, columns).copy_(lower_factor(derivatives));
    factor.diagonal()[columns].fill_(std::sqrt(share));
    return factor.to(rows_.scalar_type());
  }

  // Adds the slopes to `gradient`.
  at::Tensor loss(const at::Tensor& layer, double penalty, at::Tensor& gradient) const {
    const std::int64_t columns = rows_.size(1);
    const at::Tensor slopes = layer.narrow(1, 0, columns);
    gradient.narrow(1, 0, columns).add_(slopes, penalty);
    double loss = penalty / 2 * slopes.square().sum(at::kDouble).item<double>();
    for_each_part(layer, [&](std::int64_t first, at::Tensor log_probabilities) {
      const std::int64_t count = log_probabilities.size(0);
      const at::Tensor weights = weights_.narrow(0, first, count);
      const at::Tensor labels = labels_.narrow(0, first, count).view({-1, 1, 1}).expand_as(weights);
      loss -= (log_probabilities.gather(2, labels) * weights).sum(at::kDouble).item<double>();
      at::Tensor slope = log_probabilities.exp_().mul_(weights);
      slope = slope.scatter_add_(2, labels, weights.neg()).view({count, -1});
      gradient.narrow(1, 0, columns).addmm_(slope.t(), rows_.narrow(0, first, count));
      gradient.select(1, columns).add_(slope.sum(0));
    });
    return at::scalar_tensor(loss, at::kDouble);
  }

  at::Tensor rows_, labels_, weights_;
  at::Tensor
      products_;  // of the rows' columns, mean over the rows, R x R, double; where there are many
  std::int64_t classes_;
  const FitWatch& watch_;
};

}  // namespace

LinearLayer StandardFeatures::undone(const LinearLayer& layer) const {
  const at::Tensor weight = layer.weight.to(at::kDouble) / scale;
  const at::Tensor bias = layer.bias.to(at::kDouble) - at::mv(weight, mean);
  return {weight.to(at::kFloat), bias.to(at::kFloat)};
}

StandardFeatures standardise(at::Tensor features) {
  StandardFeatures result;
  result.rows = features.to(at::kFloat);
  auto [variance, mean] = at::var_mean(result.rows, 0, /*unbiased=*/false);
  result.mean = mean.to(at::kDouble);
  result.scale = variance.to(at::kDouble).sqrt();
  // What is constant but for rounding says nothing.
  result.scale.masked_fill_(result.scale <= 1e-5 * result.mean.abs() + 1e-12,
                            std::numeric_limits<double>::infinity());
  result.rows.sub_(result.mean.to(at::kFloat)).div_(result.scale.to(at::kFloat));
  return result;
}

LinearLayer fit_logistic(const LabelledRows& rows, double penalty, const FitWatch& watch) {
  const at::NoGradGuard no_grad;
  const Coordinates coordinates(rows.features);
  const bool small = coordinates.rows().numel() <= most_in_double;
  const Problems problem(coordinates.rows().to(small ? at::kDouble : at::kFloat), rows.labels,
                         rows.weights.unsqueeze(1), rows.classes, watch);
  at::Tensor layer = problem.no_layer();
  problem.solve(layer, penalty, small ? 1e-7 : 1e-6);
  return coordinates.layer(layer);
}

CrossValidation cross_validate(const LabelledRows& rows, const Folds& folds,
                               const FitWatch& watch) {
  const at::NoGradGuard no_grad;
  const at::Tensor fold_of = at::tensor(folds.of_row, at::kLong);
  const at::Tensor held_out = (fold_of.narrow(0, 0, folds.judged) >= 0).nonzero().squeeze(1);
  const at::Tensor is_fold = at::arange(fold_of.max().item<std::int64_t>() + 1).unsqueeze(0) ==
                             fold_of.unsqueeze(1);  // N x folds
  const Problems problems(Coordinates(rows.features).rows().to(at::kFloat), rows.labels,
                          rows.weights.unsqueeze(1).masked_fill(is_fold, 0), rows.classes, watch);
  const at::Tensor weights = rows.weights.index_select(0, held_out).to(at::kDouble);
  const at::Tensor labels = rows.labels.index_select(0, held_out).unsqueeze(1);

  CrossValidation result;
  at::Tensor layer = problems.no_layer();
  int worse = 0;  // in a row
  for (int i = 0; i < most_penalties && worse < 2; ++i) {
    const double penalty = strongest * std::pow(10, -i / 2.0);
    problems.solve(layer, penalty, tolerance_of_path);
    // Of each row, what its own fold's layer says.
    std::vector<at::Tensor> parts;
    problems.for_each_part(layer, [&](std::int64_t first, const at::Tensor& log_probabilities) {
      const std::int64_t count = log_probabilities.size(0);
      const at::Tensor own = fold_of.narrow(0, first, count).clamp_min(0).view({-1, 1, 1});
      parts.push_back(log_probabilities.gather(1, own.expand({-1, 1, rows.classes})).squeeze(1));
    });
    const at::Tensor said = at::cat(parts).index_select(0, held_out);
    const double loss = -(said.gather(1, labels).squeeze(1) * weights).sum().item<double>() /
                        weights.sum().item<double>();
    result.path.push_back({penalty, loss});
    if (watch.progress) watch.progress(i + 1, most_penalties);
    const double before = i == 0 ? std::numeric_limits<double>::infinity() : result.best.log_loss;
    worse = loss < (1 - least_gain) * before ? 0 : worse + 1;
    if (loss >= before) continue;
    result.best = result.path.back();
    result.rows = held_out;
    result.probabilities = said.exp();
  }
  return result;
}

}  // namespace tl
