// JPEGs, by libjpeg itself: OpenCV turns its RGB into BGR on the way, which takes as long as the
// decoding, and lets it write to stderr.
#pragma once

#include "data/decoded.h"

#include <string_view>

namespace tl {

// Decodes a JPEG to RGB: grey repeated, CMYK converted, turned as its EXIF orientation says. It is
// decoded at a half, a quarter or an eighth of its size as long as its shorter side keeps `needed`
// pixels. None where the file is damaged, cut or too large; where it lacks nothing but its end
// mark, it is an image like others. std::bad_alloc where there is no memory for the image.
Decoded decode_jpeg(std::string_view bytes, int needed);

}  // namespace tl
