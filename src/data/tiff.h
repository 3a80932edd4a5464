// TIFFs, by libtiff itself: OpenCV goes on where a strip or tile does not decode, and leaves it
// black.
#pragma once

#include "data/decoded.h"

#include <string_view>

namespace tl {

// Decodes the first image of a TIFF to RGB: grey repeated, palettes, CMYK and YCbCr converted, 16
// bits reduced to 8, turned as its orientation says. None where libtiff reports any error.
Decoded decode_tiff(std::string_view bytes);

}  // namespace tl
