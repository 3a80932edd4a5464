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

// The names of a oneOf's branches, none where they are not objects with a name.
std::vector<std::string> branch_names(const Json& branches) {
  std::vector<std::string> names;
  for (const Json& branch : branches) {
    if (branch.contains("properties")) names.push_back(branch["properties"]["name"]["const"]);
  }
  return names;
}

// Appends the dotted keys of that name, wherever they live.
void find_key(const std::string& name, const Json& schema, const std::string& place,
              std::vector<std::string>& found) {
  for (const Json& branch : schema.value("oneOf", Json::array()))
    find_key(name, branch, place, found);
  const Json properties = schema.value("properties", Json::object());
  for (const auto& item : properties.items()) {
    const std::string key = dotted(place, item.key());
    if (item.key() == name && std::find(found.begin(), found.end(), key) == found.end()) {
      found.push_back(key);
    }
    find_key(name, item.value(), key, found);
  }
}

// Of a value where one of several objects is wanted: how that is written. "" where no name fits.
std::string right_form(const Json& value, const Json& schema) {
  if (!value.is_string() || !schema.contains("oneOf")) return "";
  const std::vector<std::string> names = branch_names(schema["oneOf"]);
  const std::string name = nearest(value.get<std::string>(), names);
  return name.empty() ? "" : Json{{"name", name}}.dump();
}

// Walks a value and its schema side by side, and gathers the faults.
class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  struct Fault {
    std::string what;
    std::string hint;
  };
  const std::vector<Fault>& faults() const { return faults_; }

  // The value as it is where it is at fault.
  Json check(const Json& value, const Json& schema, const std::string& key) {
    if (!admits(schema, value)) {
      refuse(value, schema, key);
      return value;
    }
    if (schema.contains("oneOf")) {
      const Json* branch = branch_for(value, schema, key);
      return branch == nullptr ? value : check(value, *branch, key);
    }
    if (value.is_object()) return check_object(value, schema, key);
    if (value.is_array()) return check_list(value, schema, key);
    if (value.is_number_float() && schema["type"] == "integer") return value.get<std::int64_t>();
    return value;
  }

 private:
  Json check_list(const Json& list, const Json& schema, const std::string& key) {
    Json result = Json::array();
    for (const Json& item : list) {
      result.push_back(check(item, schema["items"], str(key, "[", result.size(), "]")));
    }
    return result;
  }

  Json check_object(const Json& object, const Json& schema, const std::string& key) {
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
        note(
            str("the key ", dotted(key, name), " is missing; it must be ", allowed_words(property)),
            property);
      }
    }
    return result;
  }

  // Null, and a fault, where the object's name is none of them.
  const Json* branch_for(const Json& value, const Json& schema, const std::string& key) {
    const Json& branches = schema["oneOf"];
    const std::vector<std::string> names = branch_names(branches);
    if (!value.is_object()) {
      return &*std::find_if(branches.begin(), branches.end(),
                            [&](const Json& branch) { return admits(branch, value); });
    }
    const Json name = value.value("name", Json(names.front()));
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      refuse(name, {{"enum", names}}, dotted(key, "name"));
      return nullptr;
    }
    return &branches[static_cast<std::size_t>(found - names.begin())];
  }

  void refuse(const Json& value, const Json& schema, const std::string& key) {
    const std::string near =
        value.is_string() ? nearest(value.get<std::string>(), allowed_strings(schema)) : "";
    const std::string form = right_form(value, schema);
    note(str(key.empty() ? "the config" : key, " is ", given_words(value), ", but must be ",
             allowed_words(schema)),
         schema, near, form);
  }

  void refuse_key(const std::string& key, const Json& properties, const std::string& parent) {
    std::vector<std::string> known;
    for (const auto& item : properties.items())
      known.push_back(item.key());
    std::vector<std::string> elsewhere;
    find_key(key, root_, "", elsewhere);
    const bool is_here = std::erase(elsewhere, dotted(parent, key)) > 0;  // with another "name"
    std::string lives = elsewhere.empty() ? "" : str("It is ", listed(elsewhere), ". ");
    if (is_here && properties.contains("name")) {
      lives = str("It is none of ", parent, ".name ", properties["name"]["const"],
                  ", but of another. ");
    }
    const Json words = {{"description", str(lives, "Known keys here: ", listed(known), ".")}};
    note(str("unknown key ", dotted(parent, key)), words, nearest(key, known));
  }

  void note(const std::string& what, const Json& schema, const std::string& near = {},
            const std::string& form = {}) {
    std::string hint = schema.value("description", "");
    if (!near.empty()) hint = str("did you mean \"", near, "\"?", hint.empty() ? "" : " ", hint);
    if (!form.empty()) hint = str("write ", form, ". ", hint);
    faults_.push_back({what, hint});
  }

  const Json& root_;
  std::vector<Fault> faults_;
};

// The first fault, and the others in the hint.
[[noreturn]] void refuse_config(const std::vector<Checker::Fault>& faults,
                                const std::string& file) {
  std::string hint = faults[0].hint.empty() ? "mend it" : faults[0].hint;
  for (std::size_t i = 1; i < faults.size(); ++i)
    hint += str("\n  also:  ", faults[i].what, faults[i].hint.empty() ? "" : ". ", faults[i].hint);
  throw Error(ExitCode::usage, faults[0].what, file, faults.size() > 1 ? hint : faults[0].hint);
}

}  // namespace

Json apply_schema(const Json& value, const Json& schema, const std::string& file) {
  const Json whole = without_references(schema);
  Checker checker(whole);
  Json result = checker.check(value, whole, "");
  if (!checker.faults().empty()) refuse_config(checker.faults(), file);
  return result;
}

const Json& experiment_schema() {
  static const Json schema = Json::parse(experiment_schema_text);
  return schema;
}

}  // namespace tl
