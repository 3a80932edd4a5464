// The training loop. It knows stages and an objective, and nothing of images; what it meets on the
// way it tells an observer.
#pragma once

#include "tl/config/train_options.h"
#include "tl/eval/history.h"
#include "tl/train/objective.h"
#include "tl/train/stage.h"

#include <filesystem>
#include <functional>
#include <vector>

namespace tl {

struct StepMetrics {
  int epoch = 0;
  std::size_t step = 0;   // in the epoch, from 1
  std::size_t steps = 0;  // of the epoch
  double loss = 0;        // mean over the epoch so far
  double accuracy = 0;
  double images_per_second = 0;
  double seconds = 0;  // of the epoch so far
};

class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  // Training goes on in that epoch, of which `step` steps are made.
  virtual void on_resume(int /*epoch*/, std::size_t /*step*/) {}
  virtual void on_step(const StepMetrics&) {}
  // The head was fitted at once; on_epoch follows, for epoch 0.
  virtual void on_exact_fit(const ExactFit&) {}
  // `history` ends with the epoch that is over; `best` is the index of the best so far.
  virtual void on_epoch(const std::vector<EpochMetrics>& /*history*/, std::size_t /*best*/) {}
};

enum class TrainEnd { all_epochs, early_stop, interrupted, on_request };

struct TrainOutcome {
  TrainEnd end;
  std::vector<EpochMetrics> history;
  std::size_t best = 0;  // index into history
};

struct TrainInputs {
  Stages& stages;  // none entered yet
  const Objective& objective;
  std::filesystem::path checkpoints;     // folder for last.ckpt, best.ckpt; must exist
  bool resume = false;                   // go on from the newest whole checkpoint, if there is any
  std::function<bool()> stop_requested;  // asked before each batch; may be empty
  // Of an exact fit, in problems that are solved; may be empty.
  std::function<void(std::size_t done, std::size_t total)> fit_progress = {};
};

// Trains one stage after the other, each to the end of its epochs or to early stopping, or until a
// stop is requested (while a head is fitted at once, that is Error(interrupted)). Then the model
// holds the weights of the best epoch (after an interruption: the last), and the stage of that
// epoch is the current one. The best epoch is the one with the best value of the objective's
// metric, and of equals the lowest validation loss. Checkpoints are written at the end of each
// epoch, on a stop, and within an epoch as options.checkpoint_every says; a run that goes on from
// any of them, with the model as it was at the start, ends as if it had never stopped. Throws
// Error(training) on a loss that is not finite or beyond all reason, with the step and what to do,
// where the disk refuses, and where resume finds checkpoints but none that is whole.
TrainOutcome train(const TrainOptions& options, const TrainInputs& inputs, TrainObserver& observer);

// Without a further step: the model gets the weights of the best epoch so far. The end is
// on_request where epochs are left. Throws Error(usage) where no epoch is over yet.
TrainOutcome take_best(const TrainOptions& options, const TrainInputs& inputs);

}  // namespace tl
