// The files that an evaluation leaves: report.json, report.html, confusion.csv, predictions.csv.
#pragma once

#include "tl/eval/history.h"
#include "tl/eval/metrics.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace tl {

struct ReportInput {
  std::string title;  // e.g. the run folder's name
  std::string split;  // "test"
  std::vector<std::string> classes;
  std::vector<Prediction> predictions;
  std::vector<EpochMetrics> history;     // of the training; may be empty
  std::string best_by = "val_accuracy";  // the epoch field that its best epoch was chosen by
  nlohmann::ordered_json facts;          // name -> value rows for the page: model, data, device ...
  // [{kind, message, cases: [{paths, detail}]}], or null where they are not known; in report.json
  // as they are.
  nlohmann::ordered_json faults;
  std::filesystem::path data_root;  // for the thumbnails of the worst mistakes
};

// {split, n, the fields of metric_fields(), classes: [{name, those of class_fields(), support}]}; a
// confidence interval is [low, high].
nlohmann::ordered_json metrics_to_json(const Metrics& metrics, const std::string& split);

// Writes the four files into `folder`; report.html is one file without outside references.
void write_report(const ReportInput& input, const Metrics& metrics,
                  const std::filesystem::path& folder);

}  // namespace tl
