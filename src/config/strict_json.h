// JSON as it is meant: no key twice, and errors with line and column.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace tl {

// Throws Error(usage) where a key is repeated or the syntax is broken; `file` names the text.
nlohmann::ordered_json parse_json(const std::string& text, const std::string& file);

}  // namespace tl
