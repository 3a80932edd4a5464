// JPEGs, by libjpeg itself: OpenCV turns its RGB into BGR on the way, which takes as long as the
// decoding, and lets it write to stderr.
#pragma once

#include <opencv2/core/mat.hpp>

#include <string_view>

namespace tl {

// Decodes a JPEG to RGB: grey repeated, CMYK converted, turned as its EXIF orientation says. It is
// decoded at a half, a quarter or an eighth of its size as long as its shorter side keeps `needed`
// pixels. Empty where the file is damaged or too large; std::bad_alloc where there is no memory for the image.
cv::Mat decode_jpeg(std::string_view bytes, int needed);

}  // namespace tl
