// The subset of JSON Schema that configs/experiment.schema.json uses:
// type, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, pattern,
// minItems, maxItems, items, properties, required, default, oneOf and $ref to the file's own $defs.
// Of a oneOf between objects, the branch counts whose properties.name.const is the object's "name";
// the first one where it has no name. No object may have keys beyond its properties.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace tl {

// `value` with every default filled in and its keys in the schema's order. An unknown or missing
// key, a wrong type or a value out of range throws Error(usage) that names `file`, the dotted key,
// what was given, what is allowed, and the nearest known key.
nlohmann::ordered_json apply_schema(const nlohmann::ordered_json& value,
                                    const nlohmann::ordered_json& schema, const std::string& file);

// configs/experiment.schema.json as it was when the program was built.
const nlohmann::ordered_json& experiment_schema();

}  // namespace tl
