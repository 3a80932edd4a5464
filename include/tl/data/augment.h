// Training-time augmentation of one image.
#pragma once

#include "tl/base/random.h"
#include "tl/config/data_options.h"
#include "tl/config/input_spec.h"

#include <opencv2/core/mat.hpp>

namespace tl {

// Random resized crop, flips, rotation, colour jitter (in random order), blur, erasing: what
// `options` asks for, with choices from `random` alone. Returns spec.height x spec.width x 3.
// Crop and jitter follow torchvision's RandomResizedCrop and ColorJitter, erasing follows
// Zhong et al. 2017 (filled with the image's mean colour).
cv::Mat augment(const cv::Mat& image, const AugmentOptions& options, const InputSpec& spec,
                Random& random);

}  // namespace tl
