// Numbers in the headers of image files.
#pragma once

#include <cstdint>
#include <string_view>

namespace tl {

inline std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

inline std::uint32_t big_endian(std::string_view bytes, std::size_t at, int length) {
  std::uint32_t value = 0;
  for (int i = 0; i < length; ++i)
    value = value << 8 | byte_at(bytes, at + i);
  return value;
}

inline std::uint32_t little_endian(std::string_view bytes, std::size_t at, int length) {
  std::uint32_t value = 0;
  for (int i = length; i > 0; --i)
    value = value << 8 | byte_at(bytes, at + i - 1);
  return value;
}

}  // namespace tl
