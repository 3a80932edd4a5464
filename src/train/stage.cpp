#include "tl/train/stage.h"

#include "tl/train/schedule.h"

#include <algorithm>

namespace tl {
namespace {

std::int64_t elements(const std::vector<at::Tensor>& tensors) {
  std::int64_t n = 0;
  for (const at::Tensor& tensor : tensors)
    n += tensor.numel();
  return n;
}

at::Tensor copy_of(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

Stage::Stage(const Model& model, Prefix the_prefix, const StageOptions& options,
             const SourceMaker& make_train, const SourceMaker& make_val,
             const ExactHeadMaker& make_exact)
    : prefix(std::move(the_prefix)),
      trainee(model, options.batch_norm, options.precision),
      optimizer(options.optimizer, trainee.head_parameters(), trainee.backbone_parameters()),
      train(make_train(prefix)),
      val(make_val(prefix)),
      exact(make_exact ? make_exact(prefix) : nullptr),
      parameters(elements(trainee.head_parameters()) + elements(trainee.backbone_parameters())),
      schedule(options.schedule),
      epochs(exact ? 1 : options.epochs) {}

double Stage::rate_factor(int epoch, std::size_t step) const {
  const auto steps = static_cast<std::int64_t>(train->batches());
  return tl::rate_factor(schedule, (epoch - first_epoch) * steps + static_cast<std::int64_t>(step),
                         epochs * steps, steps);
}

void Stages::enter(std::size_t number, int first_epoch) {
  stage_.reset();  // first: two engines may not fit into memory
  stage_ = makers_.at(number)();
  stage_->first_epoch = first_epoch;
  number_ = number;
  note_trained();
}

void Stages::note_trained() {
  for (const auto& named : stage_->trainee.state()) {
    const at::Tensor& tensor = named.second;  // clang's lambdas take no binding
    const bool known = std::any_of(trained_.begin(), trained_.end(), [&](const TrainedTensor& t) {
      return t.tensor.is_same(tensor);
    });
    if (known) continue;
    trained_.push_back(
        {named.first, tensor, number_, number_ == 0 ? at::Tensor() : copy_of(tensor)});
  }
}

}  // namespace tl
