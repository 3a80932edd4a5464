// What a schema allows and what a config gave, in words for error messages.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace tl {

// "a number above 0", "\"skip\" or \"fail\"", "a list of 2, each an integer of at least 1".
// The schema holds no $ref.
std::string allowed_words(const nlohmann::ordered_json& schema);

// The strings among them: "skip", "fail".
std::vector<std::string> allowed_strings(const nlohmann::ordered_json& schema);

// The JSON of a value, shortened where it is long.
std::string given_words(const nlohmann::ordered_json& value);

}  // namespace tl
