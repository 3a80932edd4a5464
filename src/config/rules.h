// What a config must also satisfy and a JSON schema can't say.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace tl {

// `resolved` has passed the schema. Throws Error(usage).
void check_rules(const nlohmann::ordered_json& resolved, const std::string& file);

}  // namespace tl
