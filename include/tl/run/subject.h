// What is judged or used for prediction: a run, or any classifier.
#pragma once

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
  bool renamed = false;              // the classes are not the file's own
};

// `run_or_model` is a run folder (its model.pt is taken) or a TorchScript file. `classes_file`
// holds a name a line and replaces what the file says. Throws Error(model) where there are no class
// names or their number is not the number of logits, Error(usage) where the run is not finished.
Subject open_subject(const std::filesystem::path& run_or_model,
                     const std::filesystem::path& classes_file);

// Says in the log that nothing told how the network wants its images.
void warn_of_assumed_input();

}  // namespace tl
