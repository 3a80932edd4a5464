#include "tl/train/optimizer.h"

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>
#include <torch/serialize/archive.h>

#include <string>

namespace tl {
namespace {

namespace optim = torch::optim;
using Groups = std::vector<optim::OptimizerParamGroup>;
using TorchOptimizer = std::unique_ptr<optim::Optimizer>;

std::tuple<double, double> pair_of(const std::array<double, 2>& betas) {
  return {betas[0], betas[1]};
}

TorchOptimizer make(const AdamOptions& rule, double lr, const Groups& groups) {
  return std::make_unique<optim::Adam>(groups, optim::AdamOptions(lr)
                                                   .betas(pair_of(rule.betas))
                                                   .eps(rule.eps)
                                                   .weight_decay(rule.weight_decay));
}

TorchOptimizer make(const AdamWOptions& rule, double lr, const Groups& groups) {
  return std::make_unique<optim::AdamW>(groups, optim::AdamWOptions(lr)
                                                    .betas(pair_of(rule.betas))
                                                    .eps(rule.eps)
                                                    .weight_decay(rule.weight_decay));
}

TorchOptimizer make(const SgdOptions& rule, double lr, const Groups& groups) {
  return std::make_unique<optim::SGD>(groups, optim::SGDOptions(lr)
                                                  .momentum(rule.momentum)
                                                  .nesterov(rule.nesterov)
                                                  .weight_decay(rule.weight_decay));
}

TorchOptimizer make(const RmsPropOptions& rule, double lr, const Groups& groups) {
  return std::make_unique<optim::RMSprop>(groups, optim::RMSpropOptions(lr)
                                                      .alpha(rule.alpha)
                                                      .eps(rule.eps)
                                                      .momentum(rule.momentum)
                                                      .weight_decay(rule.weight_decay));
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
  add(std::move(backbone), options.backbone_rate());
  optimizer_ =
      std::visit([&](const auto& rule) { return make(rule, options.lr, groups); }, options.rule);
  set_rate_factor(1);  // LibTorch gave all groups the head's
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

// LibTorch leaves the state where the archive has it. What it writes of that, it reads again to any
// device.
void Optimizer::load(torch::serialize::InputArchive& archive) {
  optimizer_->load(archive);
  const at::Device device = optimizer_->param_groups().front().params().front().device();
  if (device.is_cpu()) return;
  torch::serialize::OutputArchive loaded;
  optimizer_->save(loaded);
  std::string bytes;
  loaded.save_to([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  torch::serialize::InputArchive there;
  there.load_from(bytes.data(), bytes.size(), device);
  optimizer_->load(there);
}

}  // namespace tl
