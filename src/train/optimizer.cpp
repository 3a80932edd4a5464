#include "train/optimizer.h"

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/serialize/archive.h>

namespace tl {
namespace {

using Groups = std::vector<torch::optim::OptimizerParamGroup>;

template <typename TorchOptimizer, typename TorchOptions>
std::unique_ptr<torch::optim::Optimizer> make(const Groups& groups, const TorchOptions& options) {
  return std::make_unique<TorchOptimizer>(groups, options);
}

std::unique_ptr<torch::optim::Optimizer> make(const OptimizerOptions& options,
                                              const Groups& groups) {
  using namespace torch::optim;
  const auto betas = std::make_tuple(options.betas[0], options.betas[1]);
  switch (options.name) {
    case OptimizerName::adam:
      return make<Adam>(
          groups,
          AdamOptions(options.lr).betas(betas).eps(options.eps).weight_decay(options.weight_decay));
    case OptimizerName::adamw:
      return make<AdamW>(groups, AdamWOptions(options.lr)
                                     .betas(betas)
                                     .eps(options.eps)
                                     .weight_decay(options.weight_decay));
    case OptimizerName::rmsprop:
      return make<RMSprop>(groups, RMSpropOptions(options.lr)
                                       .alpha(options.alpha)
                                       .eps(options.eps)
                                       .momentum(options.momentum)
                                       .weight_decay(options.weight_decay));
    case OptimizerName::sgd:
      break;
  }
  return make<SGD>(groups, SGDOptions(options.lr)
                               .momentum(options.momentum)
                               .nesterov(options.nesterov)
                               .weight_decay(options.weight_decay));
}

}  // namespace

Optimizer::Optimizer(const OptimizerOptions& options, std::vector<at::Tensor> head,
                     std::vector<at::Tensor> backbone) {
  Groups groups;
  const auto add = [&](std::vector<at::Tensor> parameters, double rate) {
    if (parameters.empty()) return;
    groups.emplace_back(std::move(parameters));
    rates_.push_back(rate);
  };
  add(std::move(head), options.lr);
  add(std::move(backbone), options.backbone_lr.value_or(options.lr / 10));
  optimizer_ = make(options, groups);
}

Optimizer::~Optimizer() = default;

void Optimizer::set_rate_factor(double factor) {
  for (std::size_t i = 0; i < rates_.size(); ++i) {
    optimizer_->param_groups()[i].options().set_lr(rates_[i] * factor);
  }
}

void Optimizer::zero_grad() {
  optimizer_->zero_grad();
}
void Optimizer::step() {
  optimizer_->step();
}
void Optimizer::save(torch::serialize::OutputArchive& archive) const {
  optimizer_->save(archive);
}
void Optimizer::load(torch::serialize::InputArchive& archive) {
  optimizer_->load(archive);
}

}  // namespace tl
