// The folder that a training leaves behind.
#pragma once

#include <filesystem>

namespace tl {

struct RunFolder {
  std::filesystem::path path;

  std::filesystem::path config() const { return path / "config.json"; }
  std::filesystem::path environment() const { return path / "environment.json"; }
  std::filesystem::path split() const { return path / "split.csv"; }
  std::filesystem::path skipped() const { return path / "skipped.csv"; }
  std::filesystem::path metrics() const { return path / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return path / "checkpoints"; }
  std::filesystem::path last_checkpoint() const { return checkpoints() / "last.ckpt"; }
  std::filesystem::path model() const { return path / "model.pt"; }
  std::filesystem::path report() const { return path / "report.json"; }

  bool holds_a_run() const { return std::filesystem::exists(config()); }
  bool is_finished() const;
};

enum class ExistingRun { refuse, resume, replace };

// What may be done with the folder, decided before anything is computed or written: nothing there
// yet, or a run to be resumed or replaced. Throws Error(usage) otherwise, and where the folder holds
// something that is no run.
void check_run_folder(const RunFolder& folder, ExistingRun existing);

}  // namespace tl
