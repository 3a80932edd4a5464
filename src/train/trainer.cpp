#include "tl/train/trainer.h"

#include "model/api/compute_threads.h"
#include "tl/base/error.h"
#include "tl/base/random.h"
#include "tl/base/text.h"
#include "tl/train/schedule.h"
#include "train/checkpoint_folder.h"
#include "train/optimizer.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <cmath>

namespace tl {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

c10::Device device_of(const Trainee& trainee) {
  const auto state = trainee.state();
  return state.empty() ? at::kCPU : state.front().second.device();
}

std::int64_t elements(const std::vector<at::Tensor>& tensors) {
  std::int64_t n = 0;
  for (const at::Tensor& tensor : tensors)
    n += tensor.numel();
  return n;
}

// Multiplications that one thread does before others have woken up.
constexpr std::int64_t little_work = 1 << 22;

class Training {
 public:
  Training(const TrainOptions& options, const TrainInputs& inputs, TrainObserver& observer)
      : options_(options),
        inputs_(inputs),
        observer_(observer),
        optimizer_(options.optimizer, inputs.trainee.head_parameters(),
                   inputs.trainee.backbone_parameters()),
        checkpoints_(inputs.checkpoints, device_of(inputs.trainee)),
        parameters_(elements(inputs.trainee.head_parameters()) +
                    elements(inputs.trainee.backbone_parameters())) {
    if (!inputs.resume) return;
    const auto checkpoint = checkpoints_.newest();
    if (!checkpoint) return;
    checkpoint->restore(inputs.trainee, &optimizer_);
    at_ = checkpoint->position();
  }

  TrainOutcome run() {
    while (at_.epoch <= options_.epochs && !out_of_patience()) {
      if (!train_epoch()) return end(TrainEnd::interrupted);
      const auto metrics = validate();
      if (!metrics) return end(TrainEnd::interrupted);
      finish_epoch(*metrics);
    }
    if (stops()) return end(TrainEnd::interrupted);
    const int best = at_.history[at_.best].epoch;
    checkpoints_.at_end_of(best).restore(inputs_.trainee, nullptr);
    return end(out_of_patience() ? TrainEnd::early_stop : TrainEnd::all_epochs);
  }

 private:
  TrainOutcome end(TrainEnd how) const { return {how, at_.history, at_.best}; }

  bool stops() const { return inputs_.stop_requested && inputs_.stop_requested(); }

  bool out_of_patience() const {
    const int patience = options_.early_stopping.patience;
    return patience > 0 && at_.epochs_since_best >= patience;
  }

  // False: stopped, and saved, unless no step was made: then the last checkpoint says all, or there
  // is nothing to save yet.
  bool train_epoch() {
    const auto start = Clock::now();
    const double seconds_before = at_.seconds;
    inputs_.train.begin(at_.epoch, at_.step);
    while (!stops()) {
      const auto batch = inputs_.train.next();
      if (!batch) return true;
      train_step(*batch);
      at_.seconds = seconds_before + seconds_since(start);
      observer_.on_step({at_.epoch, at_.step, inputs_.train.batches(), mean_loss(), accuracy(),
                         static_cast<double>(at_.seen) / at_.seconds});
      if (checkpoint_is_due()) save();
    }
    if (at_.step > 0) save();
    return false;
  }

  bool checkpoint_is_due() const {
    const CheckpointEvery& every = options_.checkpoint_every;
    if (const auto* due = std::get_if<EverySteps>(&every)) {
      return at_.step % static_cast<std::size_t>(due->steps) == 0;
    }
    const auto* due = std::get_if<EverySeconds>(&every);
    return due != nullptr && seconds_since(saved_) >= due->seconds;
  }

  void save() { save(encode_checkpoint(at_, inputs_.trainee, optimizer_)); }
  void save(const std::string& bytes) {
    checkpoints_.save_last(bytes);
    saved_ = Clock::now();
  }

  double rate_at(std::size_t step_in_epoch) {
    const auto steps = static_cast<std::int64_t>(inputs_.train.batches());
    const std::int64_t step = (at_.epoch - 1) * steps + static_cast<std::int64_t>(step_in_epoch);
    return rate_factor(options_.schedule, step, options_.epochs * steps, steps);
  }

  // LibTorch's for this batch. Where features are vectors, each weight is used once an image.
  int threads_for(const FeatureBatch& batch) const {
    const at::Tensor& features = batch.features;
    const bool little = features.dim() == 2 && features.size(0) * parameters_ < little_work;
    return little ? 1 : at::get_num_threads();
  }

  void train_step(const FeatureBatch& batch) {
    const ComputeThreads threads(threads_for(batch));
    optimizer_.set_rate_factor(rate_at(at_.step));
    // Dropout depends on the step alone, so a resumed run draws the same.
    at::manual_seed(
        Random({options_.seed, static_cast<std::uint64_t>(at_.epoch), at_.step}).next());
    const at::Tensor logits = inputs_.trainee.logits(batch.features, true);
    const at::Tensor loss = inputs_.objective.loss(logits, batch.targets);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) refuse_loss("loss", value);
    optimizer_.zero_grad();
    loss.backward();
    optimizer_.step();
    const auto count = batch.targets.size(0);
    at_.loss_sum += value * static_cast<double>(count);
    at_.correct += inputs_.objective.hits(logits, batch.targets);
    at_.seen += count;
    ++at_.step;
  }

  [[noreturn]] void refuse_loss(const char* which, double value) const {
    throw Error(ExitCode::training, str("the ", which, " is ", value, ", not a finite number"),
                str("epoch ", at_.epoch, ", step ", at_.step + 1),
                "lower train.optimizer.lr (or backbone_lr), or check the backbone's weights");
  }

  double mean_loss() const { return at_.loss_sum / static_cast<double>(at_.seen); }
  double accuracy() const {
    return static_cast<double>(at_.correct) / static_cast<double>(at_.seen);
  }

  // None: stopped, and saved; a resumed run validates anew.
  std::optional<EpochMetrics> validate() {
    EpochMetrics metrics;
    double loss_sum = 0;
    std::int64_t correct = 0;
    std::int64_t seen = 0;
    const auto start = Clock::now();
    inputs_.val.begin(at_.epoch, 0);
    while (true) {
      if (stops()) {
        save();
        return std::nullopt;
      }
      const auto batch = inputs_.val.next();
      if (!batch) break;
      const ComputeThreads threads(threads_for(*batch));
      const at::Tensor logits = inputs_.trainee.logits(batch->features, false);
      loss_sum += inputs_.objective.plain_loss(logits, batch->targets);
      correct += inputs_.objective.hits(logits, batch->targets);
      seen += batch->targets.size(0);
    }
    if (!std::isfinite(loss_sum)) refuse_loss("validation loss", loss_sum);
    metrics.epoch = at_.epoch;
    metrics.train_loss = mean_loss();
    metrics.train_accuracy = accuracy();
    metrics.val_loss = loss_sum / static_cast<double>(seen);
    metrics.val_accuracy = static_cast<double>(correct) / static_cast<double>(seen);
    metrics.lr = options_.optimizer.lr * rate_at(at_.step - 1);
    metrics.seconds = at_.seconds + seconds_since(start);
    metrics.images_per_second = static_cast<double>(at_.seen) / at_.seconds;
    return metrics;
  }

  void finish_epoch(const EpochMetrics& metrics) {
    at_.history.push_back(metrics);
    const EpochMetrics& best = at_.history[at_.best];
    const bool better =
        at_.history.size() == 1 || metrics.val_accuracy > best.val_accuracy ||
        (metrics.val_accuracy == best.val_accuracy && metrics.val_loss < best.val_loss);
    if (better) at_.best = at_.history.size() - 1;
    count_patience(metrics.val_accuracy);
    ++at_.epoch;
    at_.step = 0;
    at_.loss_sum = at_.seconds = 0;
    at_.correct = at_.seen = 0;
    const std::string bytes = encode_checkpoint(at_, inputs_.trainee, optimizer_);
    if (better) checkpoints_.save_best(bytes);
    save(bytes);
    observer_.on_epoch(at_.history, at_.best);
  }

  void count_patience(double accuracy) {
    if (accuracy > at_.best_for_stopping + options_.early_stopping.min_delta) {
      at_.best_for_stopping = accuracy;
      at_.epochs_since_best = 0;
    } else {
      ++at_.epochs_since_best;
    }
  }

  const TrainOptions& options_;
  const TrainInputs& inputs_;
  TrainObserver& observer_;
  Optimizer optimizer_;
  CheckpointFolder checkpoints_;
  const std::int64_t parameters_;  // trainable ones
  Position at_;
  Clock::time_point saved_ = Clock::now();
};

}  // namespace

TrainOutcome train(const TrainOptions& options, const TrainInputs& inputs,
                   TrainObserver& observer) {
  return Training(options, inputs, observer).run();
}

}  // namespace tl
