#include "tl/data/image.h"

#include "data/decode.h"
#include "data/image_file.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace tl {
namespace {

namespace fs = std::filesystem;

// torchvision's CenterCrop: a side that is too short is filled with black on both ends.
cv::Mat center_crop(const cv::Mat& image, int height, int width) {
  const int missing_rows = std::max(height - image.rows, 0);
  const int missing_columns = std::max(width - image.cols, 0);
  cv::Mat padded = image;
  if (missing_rows > 0 || missing_columns > 0) {
    cv::copyMakeBorder(image, padded, missing_rows / 2, (missing_rows + 1) / 2, missing_columns / 2,
                       (missing_columns + 1) / 2, cv::BORDER_CONSTANT);
  }
  // nearbyint rounds halves to even, as Python does.
  const int top = static_cast<int>(std::nearbyint((padded.rows - height) / 2.0));
  const int left = static_cast<int>(std::nearbyint((padded.cols - width) / 2.0));
  return padded(cv::Rect(left, top, width, height)).clone();
}

}  // namespace

cv::Mat decode_image(const fs::path& path, int needed) {
  return decode_image(read_image(path), path, needed);
}

cv::Mat decode_image(const std::string& bytes, const fs::path& path, int needed) {
  return decode(bytes, path, needed).image;
}

int reduction(int width, int height, int needed) {
  for (const int by : {8, 4, 2}) {
    if (std::min(width, height) / by >= needed) return by;
  }
  return 1;
}

cv::Mat resize_and_center_crop(const cv::Mat& image, const InputSpec& spec) {
  const auto scaled = [&](int side, int shorter) {
    return static_cast<int>(static_cast<double>(spec.resize) * side / shorter);
  };
  const int shorter = std::min(image.rows, image.cols);
  const cv::Mat resized =
      resize(image, scaled(image.rows, shorter), scaled(image.cols, shorter), spec.interpolation);
  return center_crop(resized, spec.height, spec.width);
}

}  // namespace tl
