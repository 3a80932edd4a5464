// Bytes to pixels, whatever the format.
#pragma once

#include "data/decoded.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tl {

// The image of the file of those bytes, see decode_image(). Throws Unusable with the reason where
// there is none.
Decoded decode(std::string_view bytes, const std::filesystem::path& path, int needed);

// The pixels that decode() will give, going by what the header claims; 0 where it says nothing.
std::uint64_t pixels_to_decode(std::string_view bytes, int needed);

// The libraries that decode, with their versions: another one may give other pixels.
std::string codecs();

}  // namespace tl
