// What is learnt: the targets of samples, and what logits are worth against them. Another thing to
// learn (several labels an image, say) is another Objective and a line in make_objective.
#pragma once

#include "tl/config/train_options.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace at {
class Tensor;
}

namespace tl {

struct Dataset;

// Logits are N x C in fp32. Targets have N rows, on the logits' device; what a row is, each
// objective knows for itself.
class Objective {
 public:
  virtual ~Objective() = default;

  // Of samples of the data set, by index; on the CPU.
  virtual at::Tensor targets(const std::vector<std::size_t>& samples) const = 0;

  // How much each image counts in the loss; N, float.
  virtual at::Tensor weights(const at::Tensor& targets) const = 0;

  // What a training step makes smaller: one number, with gradients.
  virtual at::Tensor loss(const at::Tensor& logits, const at::Tensor& targets) const = 0;
  // The sum over the images of the loss without smoothing or weights, so that runs can be compared.
  virtual double plain_loss(const at::Tensor& logits, const at::Tensor& targets) const = 0;
  // Images whose prediction is the target.
  virtual std::int64_t hits(const at::Tensor& logits, const at::Tensor& targets) const = 0;

  // N x C, each from 0 to 1.
  virtual at::Tensor probabilities(const at::Tensor& logits) const = 0;

  // The field of the history that epochs are chosen by.
  virtual std::string metric() const = 0;
};

// As `options` says for the classes of `dataset`, which need not outlive it. Throws Error(usage) on
// a wrong number of class weights.
std::unique_ptr<Objective> make_objective(const LossOptions& options, const Dataset& dataset);

}  // namespace tl
