// An experiment from config to report: what tl-train does.
#pragma once

#include "tl/engine/inference.h"
#include "tl/eval/metrics.h"
#include "tl/run/prepared.h"
#include "tl/run/progress.h"
#include "tl/run/run_folder.h"
#include "tl/train/trainer.h"

#include <functional>
#include <optional>
#include <vector>

namespace tl {

// What is there while images are still being checked.
struct Checking {
  const LoadedExperiment& experiment;
  const Model& model;             // with head, frozen, on the device
  ImageCache& images;             // being filled
  std::function<bool()> goes_on;  // some images are not checked yet
};

// Opens data and backbone, attaches the head, freezes: every check that a config can fail, and
// nothing written. `meanwhile` is called once, and may do what can be done beside the check of the
// images; an error of the model ends that check at once. With `split`, the dataset is what that
// split.csv says. Throws Error(interrupted) where `stop_requested`, which is asked before each
// image and may be empty, says so.
Prepared prepare(const LoadedExperiment& experiment,
                 const std::optional<std::filesystem::path>& split,
                 const std::function<bool()>& stop_requested, const Progress& progress = {},
                 const std::function<void(const Checking&)>& meanwhile = {});

// The prefix of the first stage. Where training will begin with computing features, their engine is
// made if the check leaves time for it; where the store has them, no image is kept in memory.
Prefix first_prefix(const Checking& checking);

struct ExperimentOutcome {
  TrainOutcome training;
  Split split = Split::test;       // that was judged: test, or else val
  std::optional<Metrics> metrics;  // none after an interruption
};

// Trains, writes the run folder (report.json last), and judges the best model on the test images.
// A run that was killed at any moment and is resumed ends as if it had not been. `first`: the first
// stage's prefix; without it, it is made when it is needed.
ExperimentOutcome run_experiment(Prepared& prepared, std::optional<Prefix> first,
                                 const RunFolder& folder, ExistingRun existing,
                                 const std::function<bool()>& stop_requested,
                                 TrainObserver& observer, const ProgressMaker& progress = {});

}  // namespace tl
