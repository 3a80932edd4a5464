#include "train/checkpoint_folder.h"

#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"

namespace tl {

namespace fs = std::filesystem;

namespace {

// A bad sector is damage like any other.
std::string bytes_of(const fs::path& file) {
  try {
    return read_file(file, ExitCode::data);
  } catch (const Error& error) {
    if (error.code() != ExitCode::data) throw;  // the machine lacks something
    throw DamagedCheckpoint(error.what());
  }
}

}  // namespace

CheckpointFolder::CheckpointFolder(const fs::path& folder)
    : folder_(folder),
      last_{folder / "last.ckpt", folder / "last.previous.ckpt"},
      best_{folder / "best.ckpt", folder / "best.previous.ckpt"} {}

// A damaged file must not take the place of the whole one before it.
void CheckpointFolder::save(const Files& files, const std::string& bytes) {
  if (damaged_.erase(files.newest) > 0) {
    write_file(files.newest, bytes);
  } else {
    replace_file(files.newest, files.previous, bytes);
  }
}

std::optional<Checkpoint> CheckpointFolder::read(const fs::path& file) {
  if (!fs::exists(file)) return std::nullopt;
  try {
    return Checkpoint(bytes_of(file), file.string());
  } catch (const DamagedCheckpoint& damage) {
    if (damaged_.insert(file).second) {
      log::warn(str("a checkpoint is damaged, an older one is used: ", file.string(), ": ",
                    damage.what()));
    }
    return std::nullopt;
  }
}

// The archive is let go: one at a time is in memory.
std::optional<Position> CheckpointFolder::position_in(const fs::path& file) {
  const auto checkpoint = read(file);
  return checkpoint ? std::optional(checkpoint->position()) : std::nullopt;
}

std::optional<Checkpoint> CheckpointFolder::newest() {
  bool any = false;
  for (const fs::path& file : {last_.newest, last_.previous, best_.newest, best_.previous}) {
    const auto position = position_in(file);
    if (position && has_best_of(*position)) {
      if (!fs::exists(last_.newest)) {
        log::warn(str(last_.newest.string(), " is missing; going on from ", file.string()));
      }
      return read(file);
    }
    any = any || fs::exists(file);
  }
  if (!any) return std::nullopt;
  throw Refusal(ExitCode::failure, "can't go on: too many of the run's checkpoints are damaged",
                folder_.string(),
                "bring one back from a copy of the folder, or start the run again from nothing",
                {Remedy::replace});
}

// Where last.ckpt alone has the best epoch, best.ckpt gets it before the next epoch replaces it.
bool CheckpointFolder::has_best_of(const Position& position) {
  if (position.history.empty()) return true;
  const int epoch = position.history[position.best].epoch;
  if (find(best_, epoch)) return true;
  const auto found = find(last_, epoch);
  if (found) save_best(read_file(*found, ExitCode::failure));
  return found.has_value();
}

std::optional<fs::path> CheckpointFolder::find(const Files& files, int epoch) {
  for (const fs::path& file : {files.newest, files.previous}) {
    const auto position = position_in(file);
    if (position && position->is_end_of(epoch)) return file;
  }
  return std::nullopt;
}

Checkpoint CheckpointFolder::at_end_of(int epoch) {
  const auto file = find(best_, epoch);
  auto checkpoint = file ? read(*file) : std::nullopt;
  if (checkpoint) return std::move(*checkpoint);
  throw Refusal(ExitCode::failure, str("the checkpoint of the best epoch, ", epoch, ", is gone"),
                folder_.string(), "resume the run: it goes on from an older one", {Remedy::resume});
}

}  // namespace tl
