#include "tl/data/image.h"

#include "data/format.h"
#include "data/jpeg.h"
#include "tl/base/error.h"
#include "tl/base/files.h"

#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <utility>

namespace tl {
namespace {

namespace fs = std::filesystem;

// Images are decoded on many threads at once, so OpenCV must make none of its own; and what is
// wrong with an image is said by us.
void set_up_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::setNumThreads(0);  // with 1 it would still set up a pool
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  });
}

[[noreturn]] void reject(const fs::path& path, const std::string& reason) {
  throw Error(ExitCode::data, "the file " + reason, path.string(),
              "put a JPEG or PNG in its place, or remove it");
}

// A broken file gives no image or an exception; which of the two is up to OpenCV.
cv::Mat decode_or_nothing(std::string& bytes, int needed) {
  try {
    if (is_jpeg(bytes)) return decode_jpeg(bytes, needed);
    drop_png_extras(bytes);
    const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8U, bytes.data());
    cv::Mat image = cv::imdecode(buffer, cv::IMREAD_COLOR);
    if (!image.empty()) cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
    return image;
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();  // the image may be sound
    return {};
  }
}

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

std::string read_image(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) reject(path, "can't be read");
  return read_file(path, ExitCode::data);
}

cv::Mat decode_image(const fs::path& path, int needed) {
  return decode_image(read_image(path), path, needed);
}

cv::Mat decode_image(std::string bytes, const fs::path& path, int needed) {
  set_up_opencv();
  const std::string reason = reason_against(bytes);
  if (!reason.empty()) reject(path, reason);
  cv::Mat image = decode_or_nothing(bytes, needed);
  if (image.empty()) reject(path, "is no image, or one that is damaged");
  const PixelSize size{static_cast<std::uint64_t>(image.cols),
                       static_cast<std::uint64_t>(image.rows)};
  if (const std::string against = reason_against(size); !against.empty()) reject(path, against);
  return image;
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
