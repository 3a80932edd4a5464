// What a JPEG says about itself, from marker to marker, without decoding it.
#pragma once

#include "data/format.h"

#include <string>
#include <string_view>
#include <vector>

namespace tl {

// The larger one, where there are two: a second header, which no sound file has, can't make the
// image smaller than it is.
PixelSize jpeg_size(std::string_view bytes);

// What of it libjpeg has no decoder for, such as "a lossless JPEG"; "" where it has.
std::string unsupported_jpeg(std::string_view bytes);

// Its EXIF data, which are built as a TIFF; a file may have several.
std::vector<std::string_view> jpeg_exif(std::string_view bytes);

}  // namespace tl
