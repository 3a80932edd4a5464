// One optimizer over two groups of parameters with learning rates of their own.
#pragma once

#include "tl/config/train_options.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

namespace torch::optim {
class Optimizer;
}
namespace torch::serialize {
class InputArchive;
class OutputArchive;
}  // namespace torch::serialize

namespace tl {

class Optimizer {
 public:
  // The backbone's may be empty.
  Optimizer(const OptimizerOptions& options, std::vector<at::Tensor> head,
            std::vector<at::Tensor> backbone);
  ~Optimizer();

  // Sets both rates to `factor` times their configured ones.
  void set_rate_factor(double factor);
  // As configured.
  double head_rate() const { return rates_.front(); }
  void zero_grad();
  void step();

  void save(torch::serialize::OutputArchive& archive) const;
  // The archive's tensors may lie on another device than the parameters.
  void load(torch::serialize::InputArchive& archive);

 private:
  std::vector<double> rates_;  // of each group
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace tl
