#include "tl/train/exact_head.h"

#include "tl/base/log.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"
#include "train/folds.h"
#include "train/logistic.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace tl {
namespace {

// Where no class has two images, so that nothing can be chosen.
constexpr double usual_penalty = 0.01;

// Features and targets on the CPU, of one source after the other.
class Gathered {
 public:
  explicit Gathered(const FitWatch& watch) : watch_(watch) {}

  void add(FeatureSource& source, int epoch) {
    source.begin(epoch, 0);
    while (true) {
      if (watch_.stop && watch_.stop()) {
        throw Refusal(ExitCode::interrupted, "stopped while the features were computed", "",
                      "run the same command again", {Remedy::resume});
      }
      const auto batch = source.next();
      if (!batch) return;
      features_.push_back(batch->features.to(at::kCPU, at::kFloat));
      targets_.push_back(batch->targets.to(at::kCPU));
    }
  }

  at::Tensor take_features() { return at::cat(std::exchange(features_, {})); }
  at::Tensor take_targets() { return at::cat(std::exchange(targets_, {})); }

 private:
  const FitWatch& watch_;
  std::vector<at::Tensor> features_;
  std::vector<at::Tensor> targets_;
};

Gathered training_rows(const ExactHeadData& data, const FitWatch& watch) {
  Gathered gathered(watch);
  gathered.add(*data.plain, 1);
  for (int view = 1; view <= data.views; ++view)
    gathered.add(*data.augmented, view);
  return gathered;
}

constexpr const char* check_backbone = "check the backbone's weights and backbone.input";

void require_finite(const at::Tensor& features) {
  const auto whole = at::isfinite(features).all(1).sum().item<std::int64_t>();
  if (whole == features.size(0)) return;
  throw Error(ExitCode::failure,
              str("the frozen layers give features that are not finite, for ",
                  features.size(0) - whole, " of ", features.size(0), " images"),
              "", check_backbone);
}

void require_variety(const StandardFeatures& standard) {
  if (!standard.scale.isinf().all().item<bool>()) return;
  throw Error(ExitCode::failure, "the frozen layers give the same features for every image", "",
              check_backbone);
}

// What a head is fitted to. The first rows are the images as evaluation sees them.
struct Problem {
  StandardFeatures standard;
  LabelledRows rows;  // standard.rows are its features

  // The last columns of the features alone.
  Problem narrowed(std::int64_t columns) const {
    const auto last = [&](const at::Tensor& tensor) {
      return tensor.narrow(-1, tensor.size(-1) - columns, columns);
    };
    Problem part{{last(standard.rows), last(standard.mean), last(standard.scale)}, rows};
    part.rows.features = part.standard.rows;
    return part;
  }
};

Problem make_problem(Gathered gathered, const Objective& objective, std::int64_t classes) {
  const at::Tensor features = gathered.take_features();
  require_finite(features);
  Problem problem{standardise(features), {}};
  require_variety(problem.standard);
  const at::Tensor targets = gathered.take_targets();
  problem.rows = {problem.standard.rows, targets, objective.weights(targets), classes};
  return problem;
}

// Dealt to images; each view goes with its image.
Folds deal_to_rows(const at::Tensor& targets, const std::vector<std::size_t>& groups,
                   std::uint64_t seed) {
  const auto* labels = targets.const_data_ptr<std::int64_t>();
  const std::vector<int> of_image =
      usual_folds({std::vector<int>(labels, labels + groups.size()), groups}, seed);
  Folds folds{{}, std::ssize(groups)};
  while (std::ssize(folds.of_row) < targets.size(0))
    folds.of_row.insert(folds.of_row.end(), of_image.begin(), of_image.end());
  return folds;
}

int number_of(const Folds& folds) {
  return *std::max_element(folds.of_row.begin(), folds.of_row.end()) + 1;
}

// How many inputs are tried, from the last on.
std::set<std::size_t> depths_to_try(const HeadInputs& wanted, std::size_t all) {
  if (wanted != HeadInputs(HeadDepths::automatic)) return {all};
  return {1, (all + 2) / 3, all};
}

InputScore last_inputs(std::size_t depths, const std::vector<HeadInput>& inputs) {
  InputScore score;
  for (std::size_t i = inputs.size() - depths; i < inputs.size(); ++i) {
    score.layers.push_back(inputs[i].layer);
    score.columns += inputs[i].columns;
  }
  score.best = {usual_penalty, std::nan("")};
  return score;
}

// Inputs in front of those that it was fitted to get weights of 0.
void set_head(const Trainee& trainee, const LinearLayer& layer) {
  for (const at::Tensor& parameter : trainee.head_parameters()) {
    if (parameter.dim() == 1) {
      parameter.detach().copy_(layer.bias);
      continue;
    }
    const std::int64_t columns = layer.weight.size(1);
    parameter.detach().zero_();
    parameter.detach().narrow(1, parameter.size(1) - columns, columns).copy_(layer.weight);
  }
}

LinearLayer solved(const Problem& problem, const InputScore& chosen, const FitWatch& watch) {
  return fit_logistic(problem.narrowed(chosen.columns).rows, chosen.best.penalty, watch);
}

void set_head(const Trainee& trainee, const Problem& problem, const LinearLayer& layer) {
  set_head(trainee, problem.narrowed(layer.weight.size(1)).standard.undone(layer));
}

// Tries the choices of inputs and penalties, by cross-validation.
void choose(ExactFit& fit, const Problem& problem, const Folds& folds, const FitWatch& watch) {
  for (InputScore& score : fit.tried) {
    const auto before = static_cast<std::size_t>(&score - fit.tried.data());
    const FitWatch own{watch.stop, [&](std::size_t done, std::size_t total) {
                         if (watch.progress)
                           watch.progress(before * total + done, fit.tried.size() * total);
                       }};
    const CrossValidation result = cross_validate(problem.narrowed(score.columns).rows, folds, own);
    score.path = result.path;
    score.best = result.best;
    if (score.best.log_loss < fit.tried[fit.chosen].best.log_loss) fit.chosen = before;
  }
}

// Of the images as evaluation sees them.
void judge(ExactFit& fit, const Problem& problem, const LinearLayer& layer,
           const Objective& objective) {
  const at::Tensor features =
      problem.narrowed(layer.weight.size(1)).standard.rows.narrow(0, 0, fit.images);
  const at::Tensor logits = at::addmm(layer.bias, features, layer.weight.t());
  const at::Tensor targets = problem.rows.labels.narrow(0, 0, fit.images);
  const auto images = static_cast<double>(fit.images);
  fit.train_loss = objective.plain_loss(logits, targets) / images;
  fit.train_accuracy = static_cast<double>(objective.hits(logits, targets)) / images;
}

}  // namespace

ExactFit ExactHead::fit(const Trainee& trainee, const FitWatch& watch) const {
  const at::NoGradGuard no_grad;
  const Problem problem = make_problem(training_rows(data_, watch), data_.objective, classes_);
  const Folds folds = deal_to_rows(problem.rows.labels, data_.groups, seed_);
  ExactFit fit;
  fit.images = std::ssize(data_.groups);
  fit.rows = problem.rows.labels.size(0);
  fit.folds = number_of(folds);
  for (const std::size_t depths : depths_to_try(options_.inputs, inputs_.size()))
    fit.tried.push_back(last_inputs(depths, inputs_));
  if (fit.folds > 0) {
    choose(fit, problem, folds, watch);
  } else {
    log::warn(str("no class has two images that differ, to choose the head's penalty by; ",
                  usual_penalty, " is taken"));
  }
  const LinearLayer layer = solved(problem, fit.tried[fit.chosen], watch);
  judge(fit, problem, layer, data_.objective);
  set_head(trainee, problem, layer);
  return fit;
}

void ExactHead::refit(const ExactFit& chosen, FeatureSource& val, const Trainee& trainee,
                      const FitWatch& watch) const {
  const at::NoGradGuard no_grad;
  Gathered gathered = training_rows(data_, watch);
  gathered.add(val, 1);
  const Problem problem = make_problem(std::move(gathered), data_.objective, classes_);
  set_head(trainee, problem, solved(problem, chosen.tried[chosen.chosen], watch));
}

}  // namespace tl
