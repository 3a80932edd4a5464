// Colour jitter, after torchvision's ColorJitter.
#pragma once

#include "tl/base/random.h"
#include "tl/config/data_options.h"

#include <opencv2/core/mat.hpp>

namespace tl {

// Each works in place on RGB, 8 bits. A factor of 1 (hue: a shift of 0) changes nothing.
void adjust_brightness(cv::Mat& image, double factor);  // 0: black
void adjust_contrast(cv::Mat& image, double factor);    // 0: the mean grey level
void adjust_saturation(cv::Mat& image, double factor);  // 0: grey
void adjust_hue(cv::Mat& image, double turns);

// All four, in random order.
void jitter(cv::Mat& image, const JitterOptions& options, Random& random);

}  // namespace tl
