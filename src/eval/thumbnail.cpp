#include "eval/thumbnail.h"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tl {
namespace {

cv::Mat read_image(const std::filesystem::path& path) {
  std::error_code ignored;
  // OpenCV prints a warning of its own about a file that is not there.
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  try {
    return cv::imread(path.string(), cv::IMREAD_COLOR);
  } catch (const cv::Exception&) {
    return {};
  }
}

cv::Mat shrink(const cv::Mat& image, int side) {
  const double scale = static_cast<double>(side) / std::max(image.cols, image.rows);
  if (scale >= 1) return image;
  const cv::Size size(std::max(1, cvRound(image.cols * scale)),
                      std::max(1, cvRound(image.rows * scale)));
  cv::Mat small;
  cv::resize(image, small, size, 0, 0, cv::INTER_AREA);
  return small;
}

}  // namespace

std::string base64(std::string_view bytes) {
  static constexpr char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t present = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < present ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= present ? alphabet[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

std::string thumbnail_uri(const std::filesystem::path& path, int side) {
  const cv::Mat image = read_image(path);
  if (image.empty()) return {};
  std::vector<unsigned char> jpeg;
  cv::imencode(".jpg", shrink(image, side), jpeg, {cv::IMWRITE_JPEG_QUALITY, 85});
  return "data:image/jpeg;base64," +
         base64({reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
}

}  // namespace tl
