#include "config/strict_json.h"

#include "tl/base/error.h"
#include "tl/base/text.h"

#include <algorithm>
#include <set>
#include <vector>

namespace tl {
namespace {

using Json = nlohmann::ordered_json;

constexpr int deepest = 64;

// Follows the parser to see each key before a later one replaces it.
class KeyWatch {
 public:
  explicit KeyWatch(std::string file) : file_(std::move(file)) {}

  void see(int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > deepest) {
      throw Error(ExitCode::usage, str("nested deeper than ", deepest, " levels"), file_);
    }
    if (event == Json::parse_event_t::object_start) objects_.emplace_back();
    if (event == Json::parse_event_t::object_end) objects_.pop_back();
    if (event == Json::parse_event_t::key) see_key(parsed);
  }

 private:
  struct Object {
    std::set<std::string> keys;
    std::string current;
  };

  void see_key(const std::string& key) {
    objects_.back().current = key;
    if (objects_.back().keys.insert(key).second) return;
    std::string dotted;
    for (const Object& object : objects_)
      dotted += (dotted.empty() ? "" : ".") + object.current;
    throw Error(ExitCode::usage, str("the key ", dotted, " is given twice"), file_,
                "remove one of the two");
  }

  std::string file_;
  std::vector<Object> objects_;
};

// "FILE:LINE:COLUMN", counted from 1; `byte` is the parser's, counted from 1 too.
std::string place(const std::string& file, const std::string& text, std::size_t byte) {
  const std::size_t at = std::min(byte > 0 ? byte - 1 : 0, text.size());
  const std::string before = text.substr(0, at);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return str(file, ":", line, ":", at - line_start + 1);
}

// The parser's message without its own tag and position.
std::string message_of(const std::exception& error) {
  const std::string message = error.what();
  const std::size_t colon = message.find(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

}  // namespace

Json parse_json(const std::string& text, const std::string& file) {
  KeyWatch watch(file);
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t event, const Json& parsed) {
      watch.see(depth, event, parsed);
      return true;
    });
  } catch (const Json::parse_error& error) {
    throw Error(ExitCode::usage, "broken JSON: " + message_of(error), place(file, text, error.byte),
                "correct it there, or just before");
  } catch (const Json::out_of_range& error) {
    throw Error(ExitCode::usage, str("broken JSON: ", error.what()), file);
  }
}

}  // namespace tl
