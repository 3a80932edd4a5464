// Content hashes: XXH3-128, fast enough to hash what is read anyway. Not for security.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tl {

using Digest = std::array<std::uint8_t, 16>;  // the same on every machine
Digest digest(std::string_view bytes);
std::string hexadecimal(const Digest& digest);
// The digest as 32 hexadecimal digits.
std::string content_hash(std::string_view bytes);
// The same over a file's bytes, read in pieces. Throws Error(data) where it can't be read.
std::string file_hash(const std::filesystem::path& path);
// 64 bits, the same on every machine.
std::uint64_t hash64(std::string_view bytes);

}  // namespace tl
