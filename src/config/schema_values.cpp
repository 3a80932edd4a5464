#include "config/schema_values.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <regex>
#include <string>

namespace tl {
namespace {

using Json = nlohmann::ordered_json;

Json expand(const Json& schema, const Json& root) {
  if (schema.is_array()) {
    Json items = Json::array();
    for (const Json& item : schema)
      items.push_back(expand(item, root));
    return items;
  }
  if (!schema.is_object()) return schema;
  Json result = Json::object();
  if (schema.contains("$ref")) {
    const std::string target = schema["$ref"];
    result = expand(root.at(Json::json_pointer(target.substr(1))), root);
  }
  for (const auto& item : schema.items()) {
    if (item.key() != "$ref") result[item.key()] = expand(item.value(), root);
  }
  return result;
}

// 10.0 is an integer too, as JSON Schema has it.
bool is_integer(const Json& value) {
  if (!value.is_number_float()) return value.is_number_integer();
  constexpr double exact = 9007199254740992.0;  // 2^53
  const double number = value;
  return std::trunc(number) == number && std::abs(number) <= exact;
}

bool has_type(const Json& value, const Json& type) {
  if (type.is_array()) {
    return std::any_of(type.begin(), type.end(), [&](const Json& t) { return has_type(value, t); });
  }
  return type == "integer" ? is_integer(value) : type == value.type_name();
}

bool in_range(double value, const Json& schema) {
  const auto holds = [&](const char* key, auto compare) {
    return !schema.contains(key) || compare(value, schema[key].get<double>());
  };
  return holds("minimum", std::greater_equal<>()) && holds("exclusiveMinimum", std::greater<>()) &&
         holds("maximum", std::less_equal<>()) && holds("exclusiveMaximum", std::less<>());
}

bool matches(const std::string& text, const Json& schema) {
  if (text.size() < schema.value("minLength", std::size_t{0})) return false;
  return !schema.contains("pattern") ||
         std::regex_search(text, std::regex(schema["pattern"].get<std::string>()));
}

bool has_length(std::size_t size, const Json& schema) {
  return size >= schema.value("minItems", std::size_t{0}) &&
         (!schema.contains("maxItems") || size <= schema["maxItems"].get<std::size_t>());
}

}  // namespace

Json without_references(const Json& schema) {
  return expand(schema, schema);
}

bool admits(const Json& schema, const Json& value) {
  if (schema.contains("oneOf")) {
    const Json& branches = schema["oneOf"];
    return std::any_of(branches.begin(), branches.end(),
                       [&](const Json& branch) { return admits(branch, value); });
  }
  if (schema.contains("const")) return value == schema["const"];
  if (schema.contains("enum")) {
    return std::find(schema["enum"].begin(), schema["enum"].end(), value) != schema["enum"].end();
  }
  if (!has_type(value, schema["type"])) return false;
  if (value.is_number()) return in_range(value, schema);
  if (value.is_string()) return matches(value, schema);
  if (value.is_array()) return has_length(value.size(), schema);
  return true;
}

}  // namespace tl
