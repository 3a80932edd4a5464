// What a run writes beside its checkpoints, each file whole or absent.
#pragma once

#include "tl/eval/metrics.h"
#include "tl/eval/report.h"
#include "tl/run/prepared.h"
#include "tl/run/run_folder.h"
#include "tl/train/trainer.h"

#include <filesystem>
#include <vector>

namespace tl {

// Follows the training, and tells `next` of it.
class RunWriter : public TrainObserver {
 public:
  // All three must outlive the writer.
  RunWriter(const Prepared& prepared, const RunFolder& folder, TrainObserver& next)
      : prepared_(prepared), folder_(folder), next_(next) {}

  // Makes the folder (an old run in it goes) and writes what is known before the first step.
  // config.json comes last: it makes the folder a run.
  void begin() const;
  // Goes on in a folder that holds a run, and keeps what changed in its config. Throws Error where
  // it began with another backbone or other images, see compare_environment.
  void resume() const;

  void on_resume(int epoch, std::size_t step) override { next_.on_resume(epoch, step); }
  void on_step(const StepMetrics& metrics) override { next_.on_step(metrics); }
  // Writes exact_head.json.
  void on_exact_fit(const ExactFit& fit) override;
  // Brings metrics.jsonl up to date.
  void on_epoch(const std::vector<EpochMetrics>& history, std::size_t best) override;

  // metrics.jsonl, since a run killed behind its last epoch's checkpoint has not recorded that
  // epoch, and model.pt, unless the training was interrupted. Where epochs are left, the run stays
  // unfinished.
  void end_training(const TrainOutcome& training);
  // report.json comes last: it says that the run is finished, where no epochs are left.
  void write_report(Split split, const std::vector<Prediction>& predictions,
                    const Metrics& metrics) const;

 private:
  void write_config() const;
  void record(const std::vector<EpochMetrics>& history, std::size_t best);

  const Prepared& prepared_;
  const RunFolder& folder_;
  TrainObserver& next_;
  std::vector<EpochMetrics> history_;
  std::size_t best_ = 0;      // index into history_
  bool epochs_left_ = false;  // at the end of the training
};

// What faults.csv holds, for the report; null where it is missing.
nlohmann::ordered_json faults_of(const RunFolder& folder);

// What metrics.jsonl holds.
std::vector<EpochMetrics> read_metrics(const std::filesystem::path& file);

}  // namespace tl
