// What may be another in the config with which a run goes on.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>

namespace tl {

// Both resolved. Where data and backbone lie may change (their content is compared elsewhere), and
// what changes no result but for last digits; train.epochs may grow. Throws Error(usage) with the
// first other key that differs; `run` is the run's folder.
void check_changes(const nlohmann::ordered_json& before, const nlohmann::ordered_json& now,
                   const std::filesystem::path& run);

}  // namespace tl
