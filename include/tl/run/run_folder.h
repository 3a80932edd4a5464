// The folder that a training leaves behind.
#pragma once

#include "tl/config/load.h"

#include <filesystem>

namespace tl {

struct RunFolder {
  std::filesystem::path path;

  std::filesystem::path config() const { return path / "config.json"; }
  std::filesystem::path environment() const { return path / "environment.json"; }
  std::filesystem::path split() const { return path / "split.csv"; }
  std::filesystem::path contents() const { return path / "contents.csv"; }
  std::filesystem::path skipped() const { return path / "skipped.csv"; }
  std::filesystem::path faults() const { return path / "faults.csv"; }
  std::filesystem::path metrics() const { return path / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return path / "checkpoints"; }
  std::filesystem::path model() const { return path / "model.pt"; }
  std::filesystem::path report() const { return path / "report.json"; }
  // What an exact head was chosen by.
  std::filesystem::path exact_head() const { return path / "exact_head.json"; }
  // There while model and report are those of fewer epochs than the run is to have.
  std::filesystem::path unfinished() const { return path / "unfinished"; }

  // config.json, environment.json or split.csv: the files that make a folder a run.
  bool is_marker(const std::filesystem::path& file) const;
  // A run was about to begin here when it was killed: there is nothing in it yet.
  bool is_barely_begun() const;
  // More than a config.json, which other folders have too: --force deletes what is a run.
  bool holds_a_run() const;
  bool is_finished() const;
};

// The path made absolute and without a slash at its end, so that it has a name.
RunFolder run_folder_at(const std::filesystem::path& path);

// Nothing is left to do: finished, with as many epochs as are asked for now.
bool is_done(const RunFolder& folder, const LoadedExperiment& experiment);

// finish: its best epoch so far is to be its result, without further training.
enum class ExistingRun { refuse, resume, replace, finish };

// Of a folder that holds a run: every key.
nlohmann::ordered_json resolved_config(const RunFolder& folder);

// What may be done with the folder, decided before anything is computed or written: nothing there
// yet, or a run to be resumed, replaced or finished. Throws Error(usage) otherwise: where the
// folder can't be written or holds something that is no run, where the run to be resumed began with
// another config (with the key that differs; some may), and where replacing it would delete the new
// run's data or backbone; Error(training) where the run to be resumed has done epochs but lost its
// checkpoints.
void check_run_folder(const RunFolder& folder, ExistingRun existing,
                      const LoadedExperiment& experiment);

// The right to work in a run folder: one process has it at a time, and none that is dead. Where the
// file system knows no locks, everybody has it.
class RunLock {
 public:
  // Makes the folder where it is missing. Throws Error(usage) where another process works in it or
  // it can't be made, Error(training) where the disk is full.
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace tl
