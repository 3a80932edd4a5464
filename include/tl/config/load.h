// From a config file and its overrides to an Experiment.
#pragma once

#include "tl/config/options.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tl {

struct LoadedExperiment {
  Experiment options;
  nlohmann::ordered_json resolved;  // every key, paths absolute: what the run folder keeps
  std::filesystem::path file;       // where it was read from
};

// What a backbone's file says of its input, with the keys of backbone.input; {} where it says
// nothing.
using InputOfBackbone = std::function<nlohmann::ordered_json(const std::filesystem::path&)>;

// `overrides` are KEY=JSON with dotted keys; a value that is no JSON is taken as a string.
// Paths in the file are relative to the file, paths in overrides to the working directory.
// Where the config gives some of backbone.input, `input_of_backbone` says the rest, and the schema
// what that leaves open.
// Throws Error(usage) on a missing file, broken JSON (line and column), a repeated key, a path that
// is not UTF-8, and on whatever the schema refuses.
LoadedExperiment load_experiment(const std::filesystem::path& file,
                                 const std::vector<std::string>& overrides,
                                 const InputOfBackbone& input_of_backbone = {});

}  // namespace tl
