// The checkpoint files of a run: last.ckpt, best.ckpt, and of each the one before. The two may be
// an epoch apart, or damaged; what matters is that a run goes on from where all that it needs is
// there. Training repeats itself, so going on from an older one costs time and changes nothing.
#pragma once

#include "train/checkpoint.h"

#include <filesystem>
#include <optional>
#include <set>

namespace tl {

class CheckpointFolder {
 public:
  explicit CheckpointFolder(const std::filesystem::path& folder);

  // Throw Error(training) where the disk refuses; what was saved before is then still whole.
  void save_last(const std::string& bytes) { save(last_, bytes); }
  void save_best(const std::string& bytes) { save(best_, bytes); }

  // The newest whole one whose best epoch is there too; none where nothing was saved yet. A warning
  // names each file that is damaged. Throws Error(training) where nothing is whole, or where a
  // newer version wrote one.
  std::optional<Checkpoint> newest();

  // The one with the weights of that epoch's end. Throws Error(training) where it is gone.
  Checkpoint at_end_of(int epoch);

 private:
  struct Files {
    std::filesystem::path newest;
    std::filesystem::path previous;
  };

  void save(const Files& files, const std::string& bytes);
  std::optional<Checkpoint> read(const std::filesystem::path& file);
  std::optional<Position> position_in(const std::filesystem::path& file);
  std::optional<std::filesystem::path> find(const Files& files, int epoch);
  bool has_best_of(const Position& position);

  std::filesystem::path folder_;
  Files last_;
  Files best_;
  std::set<std::filesystem::path> damaged_;  // a warning named them
};

}  // namespace tl
