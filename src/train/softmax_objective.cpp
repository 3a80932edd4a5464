#include "train/softmax_objective.h"

#include "tl/base/error.h"
#include "tl/base/text.h"
#include "tl/data/dataset.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

namespace tl {

namespace {

constexpr std::size_t most_classes_named = 50;  // in a message

}  // namespace

std::vector<double> class_weights(const LossOptions& options, const Dataset& dataset) {
  if (const auto* given = std::get_if<std::vector<double>>(&options.class_weights)) {
    if (given->size() == dataset.classes.size()) return *given;
    throw Error(
        ExitCode::usage,
        str(count(static_cast<std::int64_t>(given->size()), "weight"), " for ",
            count(static_cast<std::int64_t>(dataset.classes.size()), "class", "classes")),
        "train.loss.class_weights",
        "give one for each class, in this order: " + listed(dataset.classes, most_classes_named));
  }
  if (!std::holds_alternative<ClassWeighting>(options.class_weights)) return {};
  const auto counts = dataset.class_counts(Split::train);
  const auto images = static_cast<double>(dataset.indices(Split::train).size());
  std::vector<double> weights;
  for (const std::int64_t n : counts) {
    weights.push_back(images / (static_cast<double>(counts.size()) * static_cast<double>(n)));
  }
  return weights;
}

namespace {

class SoftmaxObjective : public Objective {
 public:
  SoftmaxObjective(const LossOptions& options, const Dataset& dataset)
      : smoothing_(options.label_smoothing) {
    for (const Sample& sample : dataset.samples)
      labels_.push_back(sample.label);
    const auto weights = class_weights(options, dataset);
    if (!weights.empty()) weights_ = at::tensor(weights, at::kFloat);
  }

  at::Tensor targets(const std::vector<std::size_t>& samples) const override {
    std::vector<std::int64_t> chosen;
    for (const std::size_t sample : samples)
      chosen.push_back(labels_[sample]);
    return at::tensor(chosen, at::kLong);
  }

  at::Tensor weights(const at::Tensor& targets) const override {
    return weights_.defined() ? weights_.index_select(0, targets)
                              : at::ones(targets.size(0), at::kFloat);
  }

  at::Tensor loss(const at::Tensor& logits, const at::Tensor& targets) const override {
    const at::Tensor weights = weights_.defined() ? weights_.to(logits.device()) : weights_;
    return at::cross_entropy_loss(logits, targets, weights, at::Reduction::Mean, -100, smoothing_);
  }

  double plain_loss(const at::Tensor& logits, const at::Tensor& targets) const override {
    return at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum).item<double>();
  }

  std::int64_t hits(const at::Tensor& logits, const at::Tensor& targets) const override {
    return logits.argmax(1).eq(targets).sum().item<std::int64_t>();
  }

  at::Tensor probabilities(const at::Tensor& logits) const override {
    return at::softmax(logits, 1);
  }

  std::string metric() const override { return "val_accuracy"; }

 private:
  std::vector<std::int64_t> labels_;  // of all samples
  at::Tensor weights_;                // undefined: all classes alike
  double smoothing_;
};

}  // namespace

std::unique_ptr<Objective> softmax_objective(const LossOptions& options, const Dataset& dataset) {
  return std::make_unique<SoftmaxObjective>(options, dataset);
}

}  // namespace tl
