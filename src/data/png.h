// PNGs, by libpng itself: OpenCV lets it write to stderr.
#pragma once

#include "data/decoded.h"

#include <string_view>

namespace tl {

// Decodes a PNG to RGB: grey repeated, palettes looked up, alpha dropped, 16 bits reduced to 8,
// turned as its EXIF orientation says. Colour profiles and gamma are passed over.
Decoded decode_png(std::string_view bytes);

}  // namespace tl
