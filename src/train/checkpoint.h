// Everything that a run needs to go on where it was.
#pragma once

#include "tl/train/trainer.h"
#include "train/optimizer.h"

#include <filesystem>

namespace tl {

// Where a run stands. The random state is no part of it: every choice comes from (seed, epoch,
// step) or (seed, epoch, sample).
struct Position {
  int epoch = 1;         // the epoch to go on with
  std::size_t step = 0;  // steps of it that are done
  double loss_sum = 0;   // over the epoch's images so far
  std::int64_t correct = 0;
  std::int64_t seen = 0;
  double seconds = 0;  // spent on the epoch so far
  std::vector<EpochMetrics> history;
  std::size_t best = 0;       // index into history
  int epochs_since_best = 0;  // for early stopping, which counts by its own min_delta
  double best_for_stopping = -1;
};

// One zip archive in torch's format: position (JSON), the trainee's state, the optimizer's state.
void save_checkpoint(const std::filesystem::path& file, const Position& position,
                     const Trainee& trainee, const Optimizer& optimizer);

// Fills trainee and optimizer (which may be null: only the weights are wanted).
// Throws Error(training) where the file is missing, damaged, of a newer format or of another
// network.
Position load_checkpoint(const std::filesystem::path& file, const Trainee& trainee,
                         Optimizer* optimizer);

}  // namespace tl
