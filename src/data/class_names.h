// Class names that people take for one another.
#pragma once

#include <string>
#include <vector>

namespace tl {

// Groups of two or more names (as indices) that differ only in case, in Unicode form, in blanks at
// their ends or in characters that can't be seen.
std::vector<std::vector<std::size_t>> similar_names(const std::vector<std::string>& names);

// In what two such names differ: "upper and lower case", ...; "" where they are not similar.
std::string difference(const std::string& a, const std::string& b);

// The one of `names` that is similar to `name` and another, or "".
std::string similar_to(const std::string& name, const std::vector<std::string>& names);

}  // namespace tl
