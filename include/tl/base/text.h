// Small helpers to put messages together.
#pragma once

#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

namespace tl {

// All arguments streamed one after the other: str("k = ", 3).
template <typename... Parts>
std::string str(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

// 14764866 -> "14,764,866"
std::string thousands(std::int64_t value);

// fixed(0.91666, 3) -> "0.917"
std::string fixed(double value, int digits);

// 0.91666 -> "91.7 %"
std::string percent(double share);

// The shortest decimals that read back as the same float: 0.485, not 0.48500001430511475.
std::string shortest(float value);

// count(1, "image") -> "1 image", count(2, "class", "classes") -> "2 classes"
std::string count(std::int64_t n, std::string_view one, std::string_view many = {});

// listed({"cat", "dog", "eel"}, 2) -> "cat, dog, ..."
std::string listed(std::span<const std::string> words, std::size_t most = std::dynamic_extent);

// Of an error's text that has many lines: LibTorch begins with the cause and goes on with places in
// its sources; its interpreter ends with the cause.
std::string first_line(std::string_view text);
// The last line that is not empty.
std::string last_line(std::string_view text);

// For one line of a terminal: control characters, such as a path may hold, become '?'.
std::string printable(std::string text);

// The candidate with the smallest edit distance to `word`, or "" where none is near.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace tl
