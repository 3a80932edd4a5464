// Everything that a run needs to go on where it was.
#pragma once

#include "tl/train/trainer.h"
#include "train/optimizer.h"

#include <c10/core/Device.h>

#include <memory>
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
  std::size_t best = 0;       // index into history
  int epochs_since_best = 0;  // for early stopping, which counts by its own min_delta
  double best_for_stopping = -1;
};

// The bytes of a checkpoint file: the magic "tlckpt2\n", the digest of all that follows (16 bytes),
// and an archive in torch's format with position (JSON), the trainee's and the optimizer's state.
std::string encode_checkpoint(const Position& position, const Trainee& trainee,
                              const Optimizer& optimizer);

// The bytes are not those that were written.
class DamagedCheckpoint : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A file that was read and is whole.
class Checkpoint {
 public:
  // `bytes` are of the form above or of format 1, which is the archive alone; `where` is their
  // file, `device` the trainee's. Throws DamagedCheckpoint, and Error(training) where a newer
  // version wrote them.
  Checkpoint(std::string_view bytes, const c10::Device& device, std::string where);
  ~Checkpoint();
  Checkpoint(Checkpoint&&) noexcept;

  const std::string& where() const { return where_; }
  const Position& position() const { return position_; }
  // It holds the weights with which that epoch ended.
  bool ends(int epoch) const { return position_.epoch == epoch + 1 && position_.step == 0; }

  // Fills trainee and optimizer (which may be null: only the weights are wanted).
  // Throws Error(training) where the checkpoint is of another network.
  void restore(const Trainee& trainee, Optimizer* optimizer) const;

 private:
  std::string where_;
  std::unique_ptr<torch::serialize::InputArchive> archive_;
  Position position_;
};

}  // namespace tl
