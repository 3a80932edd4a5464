// Pixels: decode, resize, crop. Images are RGB, 8 bits a channel, height x width x 3.
#pragma once

#include "tl/config/input_spec.h"

#include <opencv2/core/mat.hpp>

#include <filesystem>
#include <limits>
#include <string>

namespace tl {

// Decodes JPEG, PNG, BMP, TIFF, WebP, PNM and JPEG 2000 to RGB: EXIF orientation applied, alpha
// dropped, grey repeated, 16 bits reduced to 8. A JPEG is decoded at a half, a quarter or an eighth
// of its size as long as its shorter side keeps `needed` pixels.
// Throws Error(data) with the reason: can't be read, empty, not an image, a coding that is not
// supported, truncated, damaged, too large; std::bad_alloc where there is no memory for it.
cv::Mat decode_image(const std::filesystem::path& path,
                     int needed = std::numeric_limits<int>::max());
// The same for the bytes of the file at `path`.
cv::Mat decode_image(const std::string& bytes, const std::filesystem::path& path, int needed);
// At 1 / what of its size a JPEG of that size is decoded then: 1, 2, 4 or 8.
int reduction(int width, int height, int needed);

// Resizes with antialiasing, as PIL and torchvision do (OpenCV's own linear and cubic do not).
cv::Mat resize(const cv::Mat& image, int height, int width, Interpolation interpolation);

// Evaluation geometry: the shorter side to spec.resize, then the centre of spec.height x
// spec.width.
cv::Mat resize_and_center_crop(const cv::Mat& image, const InputSpec& spec);

}  // namespace tl
