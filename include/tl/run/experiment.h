// An experiment from config to report: what tl-train does.
#pragma once

#include "tl/eval/metrics.h"
#include "tl/run/prepared.h"
#include "tl/run/progress.h"
#include "tl/run/run_folder.h"
#include "tl/train/trainer.h"

#include <functional>
#include <optional>
#include <vector>

namespace tl {

// Opens data and backbone, attaches the head, freezes: every check that a config can fail, and
// nothing written. Where training will begin with computing features, their engine may be made too;
// `dry`: nothing will be trained. With `split`, the dataset is what that split.csv says. Throws
// Error(interrupted) where a signal asks to stop meanwhile.
Prepared prepare(const LoadedExperiment& experiment,
                 const std::optional<std::filesystem::path>& split, const Progress& progress = {},
                 bool dry = false);

struct ExperimentOutcome {
  TrainOutcome training;
  Split split = Split::test;       // that was judged: test, or else val
  std::optional<Metrics> metrics;  // none after an interruption
};

// Trains, writes the run folder (report.json last), and judges the best model on the test images.
// A run that was killed at any moment and is resumed ends as if it had not been.
ExperimentOutcome run_experiment(Prepared& prepared, const RunFolder& folder, ExistingRun existing,
                                 const std::function<bool()>& stop_requested,
                                 TrainObserver& observer, const ProgressMaker& progress = {});

}  // namespace tl
