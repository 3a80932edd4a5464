// Everything that a run needs to go on where it was.
#pragma once

#include "tl/train/stage.h"
#include "tl/train/trainer.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

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
  std::size_t best = 0;                     // index into history
  int epochs_since_best = 0;                // for early stopping, which counts by its own min_delta
  std::optional<double> best_for_stopping;  // the metric's value; none yet in this stage
  std::size_t stage = 0;
  int stage_began = 1;  // the stage's first epoch

  // The weights are those with which that epoch ended.
  bool is_end_of(int of_epoch) const { return epoch == of_epoch + 1 && step == 0; }
};

// The bytes of a checkpoint file: the magic "tlckpt3\n", the digest of all that follows (16 bytes),
// and an archive in torch's format with position (JSON), every tensor that a stage so far may have
// changed, and the optimizer's state. Format 2 had one stage and told the numbers of an epoch by
// their places; format 1 was that archive alone.
std::string encode_checkpoint(const Position& position, const std::vector<TrainedTensor>& trained,
                              const Optimizer& optimizer);

// The bytes are not those that were written.
class DamagedCheckpoint : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A file that was read and is whole.
class Checkpoint {
 public:
  // `bytes` are of any format so far; `where` is their file. All tensors are read to the CPU.
  // Throws DamagedCheckpoint, and Error(training) where a newer version wrote them.
  Checkpoint(std::string_view bytes, std::string where);
  ~Checkpoint();
  Checkpoint(Checkpoint&&) noexcept;

  const std::string& where() const { return where_; }
  const Position& position() const { return position_; }

  // Gives each tensor the value that it had: what only a later stage may change, the one before.
  // Both throw Error(training) where the checkpoint is of another network.
  void restore(const std::vector<TrainedTensor>& trained) const;
  void restore(Optimizer& optimizer) const;

 private:
  [[noreturn]] void refuse(const std::exception& error) const;

  std::string where_;
  std::unique_ptr<torch::serialize::InputArchive> archive_;
  Position position_;
};

}  // namespace tl
