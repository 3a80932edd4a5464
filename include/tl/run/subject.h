// What is judged or used for prediction: a run, or any classifier; and the images it is judged on.
#pragma once

#include "tl/data/dataset.h"
#include "tl/eval/report.h"
#include "tl/model/model.h"
#include "tl/run/run_folder.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tl {

struct Subject {
  Model model;
  std::vector<std::string> classes;  // one a logit
  std::optional<RunFolder> run;      // the run it comes from
};

// `run_or_model` is a run folder (its model.pt is taken) or a TorchScript file. `classes_file`
// holds a name a line and replaces what the file says. Throws Error(model) where there are no class
// names or their number is not the number of logits, Error(usage) where the run is not finished.
Subject open_subject(const std::filesystem::path& run_or_model,
                     const std::filesystem::path& classes_file);

// Says in the log that nothing told how the network wants its images.
void warn_of_assumed_input();

struct EvaluationData {
  Dataset dataset;
  std::vector<std::size_t> samples;  // the chosen ones
  std::string name;                  // of the split
};

// The images of `split` ("" for test, or else val, or else all, which a log line says) in `data`,
// or, where that is empty, in the run's own data as its split.csv has it.
EvaluationData open_evaluation_data(const Subject& subject, const std::filesystem::path& data,
                                    const std::string& split);

ReportInput evaluation_report(const Subject& subject, const EvaluationData& data,
                              const std::vector<Prediction>& predictions,
                              const std::string& device);

}  // namespace tl
