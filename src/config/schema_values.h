// Single values against a schema that holds no $ref.
#pragma once

#include <nlohmann/json.hpp>

namespace tl {

// The schema with every {"$ref": "#/..."} replaced by what it points to; keys beside a $ref win.
nlohmann::ordered_json without_references(const nlohmann::ordered_json& schema);

// Whether the value itself is allowed, not looking at what a list or an object holds.
bool admits(const nlohmann::ordered_json& schema, const nlohmann::ordered_json& value);

}  // namespace tl
