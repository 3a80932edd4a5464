// What a run writes beside checkpoints and weights.
#pragma once

#include "tl/eval/report.h"
#include "tl/run/experiment.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tl {

// Makes the folder (an old run in it goes) and writes config.json, environment.json, split.csv and
// skipped.csv. config.json comes last: it makes the folder a run.
void start_run_folder(const Prepared& prepared, const RunFolder& folder);

// Of a run that is to be resumed. Throws Error(usage) where it began with another backbone under
// the same name, Error(data) where it began with other images; warns of another version, device or
// precision, which make it end with other last digits than an undisturbed run.
void compare_with_beginning(const Prepared& prepared, const RunFolder& folder);

// One JSON object a line.
void write_metrics(const std::vector<EpochMetrics>& history, const std::filesystem::path& file);
std::vector<EpochCurve> read_metrics(const std::filesystem::path& file);

// tl/model.json.
std::string model_metadata(const Prepared& prepared, const TrainOutcome& training);

ReportInput report_input(const Prepared& prepared, const TrainOutcome& training,
                         const RunFolder& folder, Split split,
                         const std::vector<Prediction>& predictions);

}  // namespace tl
