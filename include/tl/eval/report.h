// The files that an evaluation leaves: report.json, report.html, confusion.csv, predictions.csv.
#pragma once

#include "tl/eval/metrics.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace tl {

// One epoch of metrics.jsonl, for the curves.
struct EpochCurve {
  int epoch = 0;
  double train_loss = 0, train_accuracy = 0, val_loss = 0, val_accuracy = 0;
};

struct ReportInput {
  std::string title;  // e.g. the run folder's name
  std::string split;  // "test"
  std::vector<std::string> classes;
  std::vector<Prediction> predictions;
  std::vector<EpochCurve> curves;   // may be empty
  nlohmann::ordered_json facts;     // name -> value rows for the page: model, data, device ...
  std::filesystem::path data_root;  // for the thumbnails of the worst mistakes
};

// {split, n, top1, top1_ci95: [low, high], top5, macro_f1, nll, ece, classes: [{name, precision,
// recall, f1, support}]}
nlohmann::ordered_json metrics_to_json(const Metrics& metrics, const std::string& split);

// Writes the four files into `folder`; report.html is one file without outside references.
void write_report(const ReportInput& input, const Metrics& metrics,
                  const std::filesystem::path& folder);

}  // namespace tl
