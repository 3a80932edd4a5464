#include "data/class_names.h"

#include <cstdlib>
#include <map>
#include <memory>
#include <utf8proc.h>

namespace tl {
namespace {

// As utf8proc makes it; the name itself where it is not UTF-8.
std::string mapped(const std::string& name, int options) {
  utf8proc_uint8_t* result = nullptr;
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(name.data()),
                                   static_cast<utf8proc_ssize_t>(name.size()), &result,
                                   static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(result, std::free);
  return length < 0
             ? name
             : std::string(reinterpret_cast<const char*>(result), static_cast<std::size_t>(length));
}

std::string trimmed(const std::string& name) {
  constexpr const char* blanks = " \t\r\n";
  const std::size_t first = name.find_first_not_of(blanks);
  if (first == name.npos) return {};
  return name.substr(first, name.find_last_not_of(blanks) - first + 1);
}

constexpr int composed = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
constexpr int same_case = composed | UTF8PROC_CASEFOLD;
// Also of characters that mean the same, such as wide letters, and without invisible ones.
constexpr int alike = same_case | UTF8PROC_COMPAT | UTF8PROC_IGNORE;

std::string key_of(const std::string& name) {
  return trimmed(mapped(name, alike));
}

}  // namespace

std::vector<std::vector<std::size_t>> similar_names(const std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::size_t>> by_key;
  for (std::size_t i = 0; i < names.size(); ++i)
    by_key[key_of(names[i])].push_back(i);
  std::vector<std::vector<std::size_t>> groups;
  for (const auto& [key, group] : by_key) {
    if (group.size() > 1) groups.push_back(group);
  }
  return groups;
}

std::string difference(const std::string& a, const std::string& b) {
  if (trimmed(a) == trimmed(b)) return "blanks at an end";
  if (trimmed(mapped(a, composed)) == trimmed(mapped(b, composed)))
    return "Unicode form (composed or decomposed accents)";
  if (trimmed(mapped(a, same_case)) == trimmed(mapped(b, same_case))) return "upper and lower case";
  return key_of(a) == key_of(b) ? "characters that look alike or can't be seen" : "";
}

std::string similar_to(const std::string& name, const std::vector<std::string>& names) {
  for (const std::string& other : names) {
    if (other != name && !difference(name, other).empty()) return other;
  }
  return {};
}

}  // namespace tl
