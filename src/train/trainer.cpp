#include "tl/train/trainer.h"

#include "model/api/compute_threads.h"
#include "tl/base/error.h"
#include "tl/base/random.h"
#include "tl/base/refusal.h"
#include "tl/base/stopwatch.h"
#include "tl/base/text.h"
#include "train/checkpoint_folder.h"
#include "train/step_threads.h"

#include <ATen/Context.h>

#include <cmath>

namespace tl {
namespace {

// Nats: from there no training comes back.
constexpr double hopeless = 1e5;

class Training {
 public:
  Training(const TrainOptions& options, const TrainInputs& inputs, TrainObserver& observer)
      : options_(options),
        inputs_(inputs),
        observer_(observer),
        metric_(epoch_field(inputs.objective.metric())),
        checkpoints_(inputs.checkpoints) {
    const auto checkpoint = inputs.resume ? checkpoints_.newest() : std::nullopt;
    if (checkpoint) {
      go_on_from(*checkpoint);
    } else {
      inputs.stages.enter(0, 1);
      if (stage().exact) stage().first_epoch = position_.stage_began = position_.epoch = 0;
    }
  }

  TrainOutcome run() {
    while (true) {
      while (!stage_is_over()) {
        const bool whole = stage().exact ? fit_head() : train_epoch();
        if (!whole) return end(TrainEnd::interrupted);
      }
      if (position_.stage + 1 == inputs_.stages.count()) break;
      begin_next_stage();
    }
    if (stops()) return end(TrainEnd::interrupted);
    return end_with_best();
  }

  TrainOutcome end_with_best() {
    const bool last = position_.stage + 1 == inputs_.stages.count();
    const TrainEnd how = !last || !stage_is_over() ? TrainEnd::on_request
                         : out_of_patience()       ? TrainEnd::early_stop
                                                   : TrainEnd::all_epochs;
    restore_best();
    return end(how);
  }

 private:
  TrainOutcome end(TrainEnd how) const { return {how, position_.history, position_.best}; }

  bool stops() const { return inputs_.stop_requested && inputs_.stop_requested(); }

  // --- stages ---

  Stage& stage() const { return inputs_.stages.current(); }

  bool stage_is_over() const { return position_.epoch > stage().last_epoch() || out_of_patience(); }

  bool out_of_patience() const {
    const int patience = options_.early_stopping.patience;
    return patience > 0 && position_.epochs_since_best >= patience;
  }

  void begin_next_stage() {
    ++position_.stage;
    position_.stage_began = position_.epoch;
    position_.epochs_since_best = 0;
    position_.best_for_stopping.reset();
    inputs_.stages.enter(position_.stage, position_.stage_began);
  }

  // Through all stages up to the checkpoint's, on the weights that the model began with: so each
  // tensor's value is known that no stage so far can have changed.
  void go_on_from(const Checkpoint& checkpoint) {
    position_ = checkpoint.position();
    if (position_.stage >= inputs_.stages.count()) {
      throw Refusal(ExitCode::failure, "the checkpoint is of a run of more stages",
                    checkpoint.where(), "start the run again from nothing", {Remedy::replace});
    }
    for (std::size_t number = 0; number <= position_.stage; ++number)
      inputs_.stages.enter(number, position_.stage_began);
    checkpoint.restore(inputs_.stages.trained());
    checkpoint.restore(stage().optimizer);
    observer_.on_resume(position_.epoch, position_.step);
  }

  void restore_best() {
    if (position_.history.empty()) {
      throw Refusal(ExitCode::usage, "no epoch of this run is over yet",
                    inputs_.checkpoints.string(), "go on with it", {Remedy::resume});
    }
    const Checkpoint best = checkpoints_.at_end_of(position_.history[position_.best].epoch);
    const Position& then = best.position();
    if (then.stage != position_.stage) inputs_.stages.enter(then.stage, then.stage_began);
    best.restore(inputs_.stages.trained());
  }

  // --- an epoch ---

  // Both: false where they were stopped, and saved, unless no step was made: then the last
  // checkpoint says all, or there is nothing to save yet.
  bool train_epoch() {
    if (!make_steps()) return false;
    const auto metrics = validate();
    if (metrics) finish_epoch(*metrics);
    return metrics.has_value();
  }

  bool fit_head() {
    const Stopwatch clock;
    const ExactHead& head = *stage().exact;
    const FitWatch watch{inputs_.stop_requested, inputs_.fit_progress};
    const ExactFit fit = head.fit(stage().trainee, watch);
    position_.seconds = clock.seconds();
    position_.seen = fit.images;
    position_.loss_sum = fit.train_loss * static_cast<double>(fit.images);
    position_.correct = std::lround(fit.train_accuracy * static_cast<double>(fit.images));
    const auto metrics = validate();
    if (!metrics) return false;
    if (head.refits()) head.refit(fit, *stage().val, stage().trainee, watch);
    observer_.on_exact_fit(fit);
    finish_epoch(*metrics);
    return true;
  }

  bool make_steps() {
    const Stopwatch clock;
    const double seconds_before = position_.seconds;
    FeatureSource& source = *stage().train;
    source.begin(position_.epoch, position_.step);
    while (!stops()) {
      const auto batch = source.next();
      if (!batch) return true;
      train_step(*batch);
      position_.seconds = seconds_before + clock.seconds();
      observer_.on_step({position_.epoch, position_.step, source.batches(), mean_loss(), accuracy(),
                         static_cast<double>(position_.seen) / position_.seconds,
                         position_.seconds});
      if (checkpoint_is_due()) save();
    }
    if (position_.step > 0) save();
    return false;
  }

  void train_step(const FeatureBatch& batch) {
    const ComputeThreads threads(step_threads(batch.features, stage().parameters));
    Optimizer& optimizer = stage().optimizer;
    optimizer.set_rate_factor(stage().rate_factor(position_.epoch, position_.step));
    // Dropout depends on the step alone, so a resumed run draws the same.
    at::manual_seed(
        Random({options_.seed, static_cast<std::uint64_t>(position_.epoch), position_.step})
            .next());
    const at::Tensor logits = stage().trainee.logits(batch.features, true);
    const at::Tensor loss = inputs_.objective.loss(logits, batch.targets);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) refuse_loss("loss", value);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    const auto count = batch.targets.size(0);
    position_.loss_sum += value * static_cast<double>(count);
    position_.correct += inputs_.objective.hits(logits, batch.targets);
    position_.seen += count;
    ++position_.step;
  }

  [[noreturn]] void refuse_loss(const char* which, double value) const {
    throw Error(ExitCode::failure,
                str("the ", which, " is ", value,
                    std::isfinite(value) ? ": the training has diverged" : ", not a finite number"),
                str("epoch ", position_.epoch, ", step ", position_.step + 1),
                stage().exact
                    ? "check the backbone's weights, and images that are like none learnt from"
                    : "lower train.optimizer.lr (or backbone_lr), or check the backbone's weights");
  }

  double mean_loss() const { return position_.loss_sum / static_cast<double>(position_.seen); }
  double accuracy() const {
    return static_cast<double>(position_.correct) / static_cast<double>(position_.seen);
  }

  // None: stopped, and saved unless no step was made; a resumed run validates anew.
  std::optional<EpochMetrics> validate() {
    EpochMetrics metrics;
    double loss_sum = 0;
    std::int64_t correct = 0;
    std::int64_t seen = 0;
    const Stopwatch clock;
    FeatureSource& source = *stage().val;
    source.begin(position_.epoch, 0);
    while (true) {
      if (stops()) {
        if (position_.step > 0) save();
        return std::nullopt;
      }
      const auto batch = source.next();
      if (!batch) break;
      const ComputeThreads threads(step_threads(batch->features, stage().parameters));
      const at::Tensor logits = stage().trainee.logits(batch->features, false);
      loss_sum += inputs_.objective.plain_loss(logits, batch->targets);
      correct += inputs_.objective.hits(logits, batch->targets);
      seen += batch->targets.size(0);
    }
    if (!std::isfinite(loss_sum)) refuse_loss("validation loss", loss_sum);
    const double loss = loss_sum / static_cast<double>(seen);
    if (loss > hopeless) refuse_loss("validation loss", loss);
    metrics.epoch = position_.epoch;
    metrics.train_loss = mean_loss();
    metrics.train_accuracy = accuracy();
    metrics.val_loss = loss;
    metrics.val_accuracy = static_cast<double>(correct) / static_cast<double>(seen);
    if (position_.step > 0) {
      metrics.lr =
          stage().optimizer.head_rate() * stage().rate_factor(position_.epoch, position_.step - 1);
    }
    metrics.seconds = position_.seconds + clock.seconds();
    metrics.images_per_second = static_cast<double>(position_.seen) / position_.seconds;
    return metrics;
  }

  void finish_epoch(const EpochMetrics& metrics) {
    position_.history.push_back(metrics);
    const bool better = position_.history.size() == 1 ||
                        is_better(metrics, position_.history[position_.best], metric_);
    if (better) position_.best = position_.history.size() - 1;
    count_patience(metric_.of(metrics));
    ++position_.epoch;
    position_.step = 0;
    position_.loss_sum = position_.seconds = 0;
    position_.correct = position_.seen = 0;
    const std::string bytes = encoded();
    if (better) checkpoints_.save_best(bytes);
    save(bytes);
    observer_.on_epoch(position_.history, position_.best);
  }

  void count_patience(double value) {
    const auto& before = position_.best_for_stopping;
    if (!before || metric_.gain(*before, value) > options_.early_stopping.min_delta) {
      position_.best_for_stopping = value;
      position_.epochs_since_best = 0;
    } else {
      ++position_.epochs_since_best;
    }
  }

  // --- checkpoints ---

  bool checkpoint_is_due() const {
    const CheckpointEvery& every = options_.checkpoint_every;
    if (const auto* due = std::get_if<EverySteps>(&every)) {
      return position_.step % static_cast<std::size_t>(due->steps) == 0;
    }
    const auto* due = std::get_if<EverySeconds>(&every);
    return due != nullptr && since_save_.seconds() >= due->seconds;
  }

  std::string encoded() const {
    return encode_checkpoint(position_, inputs_.stages.trained(), stage().optimizer);
  }
  void save() { save(encoded()); }
  void save(const std::string& bytes) {
    checkpoints_.save_last(bytes);
    since_save_ = Stopwatch();
  }

  const TrainOptions& options_;
  const TrainInputs& inputs_;
  TrainObserver& observer_;
  const Field<EpochMetrics>& metric_;  // that epochs are chosen by
  CheckpointFolder checkpoints_;
  Position position_;
  Stopwatch since_save_;
};

}  // namespace

TrainOutcome train(const TrainOptions& options, const TrainInputs& inputs,
                   TrainObserver& observer) {
  return Training(options, inputs, observer).run();
}

TrainOutcome take_best(const TrainOptions& options, const TrainInputs& inputs) {
  TrainObserver silent;
  return Training(options, inputs, silent).end_with_best();
}

}  // namespace tl
