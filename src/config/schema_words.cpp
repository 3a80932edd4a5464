#include "config/schema_words.h"

#include "tl/base/json.h"
#include "tl/base/text.h"

#include <algorithm>

namespace tl {
namespace {

using Json = nlohmann::ordered_json;

std::string join_or(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string range_words(const Json& schema) {
  if (schema.contains("minimum") && schema.contains("maximum")) {
    return str(" from ", schema["minimum"].dump(), " to ", schema["maximum"].dump());
  }
  std::vector<std::string> parts;
  const auto add = [&](const char* key, const char* words) {
    if (schema.contains(key)) parts.push_back(str(words, schema[key].dump()));
  };
  add("minimum", "of at least ");
  add("exclusiveMinimum", "above ");
  add("maximum", "of at most ");
  add("exclusiveMaximum", "below ");
  std::string text;
  for (const std::string& part : parts)
    text += (text.empty() ? " " : " and ") + part;
  return text;
}

std::string list_words(const Json& schema) {
  const Json least = schema.value("minItems", Json());
  const Json most = schema.value("maxItems", Json());
  std::string text = "a list";
  if (least == most && !least.is_null()) {
    text += str(" of ", least.dump());
  } else {
    if (!least.is_null()) text += str(" of at least ", least.dump());
    if (!most.is_null()) text += str(" of at most ", most.dump());
  }
  return schema.contains("items") ? str(text, ", each ", allowed_words(schema["items"])) : text;
}

std::string string_words(const Json& schema) {
  if (schema.contains("pattern")) {
    return str("a string that matches ", schema["pattern"].get<std::string>());
  }
  return schema.value("minLength", 0) > 0 ? "a string that is not empty" : "a string";
}

std::string type_words(const std::string& type, const Json& schema) {
  if (type == "integer") return "an integer" + range_words(schema);
  if (type == "number") return "a number" + range_words(schema);
  if (type == "array") return list_words(schema);
  if (type == "string") return string_words(schema);
  if (type == "object") return "an object in {}";
  if (type == "boolean") return "true or false";
  return type;
}

void collect(const Json& schema, std::vector<std::string>& words) {
  const auto add = [&](const std::string& word) {
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  };
  if (schema.contains("oneOf")) {
    for (const Json& branch : schema["oneOf"])
      collect(branch, words);
  } else if (schema.contains("const")) {
    add(schema["const"].dump());
  } else if (schema.contains("enum")) {
    for (const Json& choice : schema["enum"])
      add(choice.dump());
  } else if (schema["type"].is_array()) {
    for (const Json& type : schema["type"])
      add(type_words(type, schema));
  } else {
    add(type_words(schema["type"], schema));
  }
}

}  // namespace

std::string allowed_words(const Json& schema) {
  std::vector<std::string> words;
  collect(schema, words);
  return join_or(words);
}

std::vector<std::string> allowed_strings(const Json& schema) {
  std::vector<std::string> strings;
  const auto add = [&](const Json& value) {
    if (value.is_string()) strings.push_back(value);
  };
  if (schema.contains("const")) add(schema["const"]);
  if (schema.contains("enum")) {
    for (const Json& choice : schema["enum"])
      add(choice);
  }
  if (schema.contains("oneOf")) {
    for (const Json& branch : schema["oneOf"]) {
      for (std::string& found : allowed_strings(branch))
        strings.push_back(std::move(found));
    }
  }
  return strings;
}

std::string given_words(const Json& value) {
  constexpr std::size_t longest = 60;
  std::string text = dumped(value);
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // whole UTF-8
  return text.substr(0, end) + "...";
}

}  // namespace tl
