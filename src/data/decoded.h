// What a decoder gives.
#pragma once

#include <opencv2/core/mat.hpp>

#include <string>

namespace tl {

struct Decoded {
  cv::Mat image;           // RGB, 8 bits a channel; empty where there is none
  std::string reason;      // then: why, such as "is truncated"
  bool lacks_end = false;  // a JPEG that is whole but for its end mark
};

// "is no image, or one that is damaged", and what the library says about it.
std::string damaged(const std::string& words);

// As EXIF counts, from 1 to 8: where the first row and the first column belong. Others turn
// nothing.
cv::Mat turned(const cv::Mat& image, int orientation);

}  // namespace tl
