#include "data/decoded.h"

#include "tl/base/text.h"

#include <opencv2/core.hpp>

namespace tl {

std::string damaged(const std::string& words) {
  const std::string reason = "is no image, or one that is damaged";
  return words.empty() ? reason : str(reason, " (", printable(words), ")");
}

cv::Mat turned(const cv::Mat& image, int orientation) {
  cv::Mat result = image;
  if (orientation >= 5 && orientation <= 8) cv::transpose(image, result);
  constexpr int both = -1, up_and_down = 0, left_and_right = 1;
  switch (orientation) {
    case 2:
    case 6:
      cv::flip(result, result, left_and_right);
      break;
    case 3:
    case 7:
      cv::flip(result, result, both);
      break;
    case 4:
    case 8:
      cv::flip(result, result, up_and_down);
      break;
    default:
      break;
  }
  return result;
}

}  // namespace tl
