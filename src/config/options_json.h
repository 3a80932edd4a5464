// A config that satisfies the schema, as the plain structs, and back.
#pragma once

#include "tl/config/options.h"

#include <nlohmann/json.hpp>

namespace tl {

// `resolved` has every key and has passed the schema and the rules. Throws Error(defect) where it
// holds what no option stands for.
Experiment experiment_from_json(const nlohmann::json& resolved);

// Every key.
nlohmann::json to_json(const Experiment& experiment);

}  // namespace tl
