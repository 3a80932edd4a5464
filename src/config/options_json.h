// A config that satisfies the schema, as the plain structs.
#pragma once

#include "tl/config/options.h"

#include <nlohmann/json.hpp>

namespace tl {

// `resolved` has every key and has passed the schema; `file` names it in errors.
Experiment experiment_from_json(const nlohmann::ordered_json& resolved, const std::string& file);

}  // namespace tl
