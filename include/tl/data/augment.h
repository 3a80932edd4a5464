// Training-time augmentation of one image.
#pragma once

#include "tl/config/data_options.h"
#include "tl/config/input_spec.h"

#include <opencv2/core/mat.hpp>

#include <cstdint>

namespace tl {

// All random choices follow from it.
struct AugmentKey {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  std::uint64_t sample = 0;
};

// Random resized crop, flips, rotation, colour jitter, blur, erasing: what `options` asks for.
// Returns spec.height x spec.width x 3. Each step draws from a stream of its own, so that what one
// draws does not depend on which others there are. Crop and jitter follow torchvision's
// RandomResizedCrop and ColorJitter, erasing follows Zhong et al. 2017 (filled with the image's
// mean colour).
cv::Mat augment(const cv::Mat& image, const AugmentOptions& options, const InputSpec& spec,
                const AugmentKey& key);

}  // namespace tl
