// The images that a model is judged on, and where what was found is kept.
#pragma once

#include "tl/data/dataset.h"
#include "tl/eval/report.h"
#include "tl/run/subject.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tl {

struct EvaluationData {
  Dataset dataset;
  std::vector<std::size_t> samples;        // the chosen ones
  std::string split;                       // train, val, test or all
  std::optional<std::int64_t> trained_on;  // of the chosen ones, by the run; none: not known
  // Tells it from the run's other evaluations: split and folder. "": that of the run's own report.
  std::string name;
  // Of each of the dataset's samples, where it was in the run that the model comes from; empty
  // where that is not known, or where the images are the run's own.
  std::vector<std::optional<Split>> in_run;
};

// The images of `split` ("" for test, or else val, or else all, which a log line says) in `data`,
// or, where that is empty, in the run's own data as its split.csv has it. Images of `data` are in
// the split whose folder they are in, or else in that which their content was in when the run was
// trained; without either, "" means all. A log line says how many of the chosen the run was trained
// on. Throws Error(data) where nothing is in the split, Error(usage) on a model file without data.
EvaluationData open_evaluation_data(const Subject& subject, const std::filesystem::path& data,
                                    const std::string& split);

// Where the report belongs: a run's own in its folder, every other evaluation of it in eval-NAME
// inside, where it replaces an earlier one; none for a model file. `output`, if not empty, is taken
// instead. Throws Error(usage) where that would replace the own report of a run.
std::optional<std::filesystem::path> report_folder(const Subject& subject,
                                                   const EvaluationData& data,
                                                   const std::filesystem::path& output);

// report.json and its companions; and split.csv, which says of each image where it was in the run,
// for images that are not the run's own.
void write_evaluation(const Subject& subject, const EvaluationData& data,
                      const std::vector<Prediction>& predictions, const Metrics& metrics,
                      const std::string& device, const std::filesystem::path& folder);

}  // namespace tl
