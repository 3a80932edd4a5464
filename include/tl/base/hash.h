// Content hashes: XXH3-128, fast enough to hash what is read anyway. Not for security.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tl {

// 32 hexadecimal digits.
std::string content_hash(std::string_view bytes);
// The same over a file's bytes, read in pieces. Throws Error(data) where it can't be read.
std::string file_hash(const std::filesystem::path& path);
// 64 bits, the same on every machine.
std::uint64_t hash64(std::string_view bytes);

}  // namespace tl
