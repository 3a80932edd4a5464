// From a config file and its overrides to an Experiment.
#pragma once

#include "tl/config/options.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace tl {

struct LoadedExperiment {
  Experiment options;
  nlohmann::ordered_json resolved;  // every key, paths absolute: what the run folder keeps
};

// `overrides` are KEY=JSON with dotted keys; a value that is no JSON is taken as a string.
// Paths in the file are relative to the file, paths in overrides to the working directory.
// Throws Error(usage) on a missing file, broken JSON (line and column), a repeated key, and on
// whatever the schema refuses.
LoadedExperiment load_experiment(const std::filesystem::path& file,
                                 const std::vector<std::string>& overrides);

}  // namespace tl
