// JSON as text. Header alone: the rooms that use it link nlohmann's library, and base does not.
#pragma once

#include <string>

namespace tl {

// Paths need not be UTF-8, but JSON must be: what is not gets replaced. `indent`: -1 for one line.
template <typename Json>
std::string dumped(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tl
