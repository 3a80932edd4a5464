#include "tl/config/schema.h"

#include "config/schema_values.h"
#include "config/schema_words.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <algorithm>
#include <vector>

namespace tl {

extern const char* const experiment_schema_text;  // embedded by cmake/EmbedSchema.cmake

namespace {

using Json = nlohmann::ordered_json;

std::string dotted(const std::string& parent, const std::string& key) {
  return parent.empty() ? key : parent + "." + key;
}

std::string list_of(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The names of a oneOf's branches, none where they are not objects with a name.
std::vector<std::string> branch_names(const Json& branches) {
  std::vector<std::string> names;
  for (const Json& branch : branches) {
    if (branch.contains("properties")) names.push_back(branch["properties"]["name"]["const"]);
  }
  return names;
}

// Walks a value and its schema side by side.
class Checker {
 public:
  explicit Checker(std::string file) : file_(std::move(file)) {}

  Json check(const Json& value, const Json& schema, const std::string& key) const {
    if (!admits(schema, value)) refuse(value, schema, key);
    if (schema.contains("oneOf")) return check(value, branch_for(value, schema, key), key);
    if (value.is_object()) return check_object(value, schema, key);
    if (value.is_array()) return check_list(value, schema, key);
    if (value.is_number_float() && schema["type"] == "integer") return value.get<std::int64_t>();
    return value;
  }

 private:
  Json check_list(const Json& list, const Json& schema, const std::string& key) const {
    Json result = Json::array();
    for (const Json& item : list) {
      result.push_back(check(item, schema["items"], str(key, "[", result.size(), "]")));
    }
    return result;
  }

  Json check_object(const Json& object, const Json& schema, const std::string& key) const {
    const Json& properties = schema["properties"];
    for (const auto& item : object.items()) {
      if (!properties.contains(item.key())) refuse_key(item.key(), properties, key);
    }
    const Json required = schema.value("required", Json::array());
    Json result = Json::object();
    for (const auto& item : properties.items()) {
      const Json& property = item.value();
      const std::string& name = item.key();
      if (object.contains(name)) {
        result[name] = check(object[name], property, dotted(key, name));
      } else if (property.contains("default")) {
        result[name] = check(property["default"], property, dotted(key, name));
      } else if (std::find(required.begin(), required.end(), name) != required.end()) {
        fail(
            str("the key ", dotted(key, name), " is missing; it must be ", allowed_words(property)),
            property);
      }
    }
    return result;
  }

  const Json& branch_for(const Json& value, const Json& schema, const std::string& key) const {
    const Json& branches = schema["oneOf"];
    const std::vector<std::string> names = branch_names(branches);
    if (!value.is_object()) {
      return *std::find_if(branches.begin(), branches.end(),
                           [&](const Json& branch) { return admits(branch, value); });
    }
    const Json name = value.value("name", Json(names.front()));
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) refuse(name, {{"enum", names}}, dotted(key, "name"));
    return branches[static_cast<std::size_t>(found - names.begin())];
  }

  [[noreturn]] void refuse(const Json& value, const Json& schema, const std::string& key) const {
    const std::string near =
        value.is_string() ? nearest(value.get<std::string>(), allowed_strings(schema)) : "";
    fail(str(key.empty() ? "the config" : key, " is ", given_words(value), ", but must be ",
             allowed_words(schema)),
         schema, near);
  }

  [[noreturn]] void refuse_key(const std::string& key, const Json& properties,
                               const std::string& parent) const {
    std::vector<std::string> known;
    for (const auto& item : properties.items())
      known.push_back(item.key());
    const Json words = {{"description", str("Known keys here: ", list_of(known), ".")}};
    fail(str("unknown key ", dotted(parent, key)), words, nearest(key, known));
  }

  [[noreturn]] void fail(const std::string& what, const Json& schema,
                         const std::string& near = {}) const {
    std::string hint = schema.value("description", "");
    if (!near.empty()) hint = str("did you mean \"", near, "\"?", hint.empty() ? "" : " ", hint);
    throw Error(ExitCode::usage, what, file_, hint);
  }

  std::string file_;
};

}  // namespace

Json apply_schema(const Json& value, const Json& schema, const std::string& file) {
  return Checker(file).check(value, without_references(schema), "");
}

const Json& experiment_schema() {
  static const Json schema = Json::parse(experiment_schema_text);
  return schema;
}

}  // namespace tl
