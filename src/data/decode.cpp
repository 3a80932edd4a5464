#include "data/decode.h"

#include "data/chatter.h"
#include "data/format.h"
#include "data/image_file.h"
#include "data/jpeg.h"
#include "data/png.h"
#include "data/tiff.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/data/image.h"

#include <opencv2/core/utility.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cstdio>  // jpeglib.h needs it
#include <jpeglib.h>
#include <mutex>
#include <new>
#include <png.h>
#include <tiffio.h>

namespace tl {
namespace {

// Images are decoded on many threads at once, so OpenCV must make none of its own.
void set_up_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::setNumThreads(0);  // with 1 it would still set up a pool
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_ERROR);
  });
}

// From BGR, in pieces, since OpenCV makes a copy of what it converts in place.
void make_rgb(cv::Mat& image) {
  constexpr int rows = 64;
  for (int y = 0; y < image.rows; y += rows) {
    cv::Mat piece = image.rowRange(y, std::min(y + rows, image.rows));
    cv::cvtColor(piece, piece, cv::COLOR_BGR2RGB);
  }
}

// A broken file gives no image, or one with holes and an error that only the log hears of.
Decoded decode_by_opencv(std::string_view bytes) {
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
  const Chatter chatter;
  cv::Mat image = cv::imdecode(buffer, cv::IMREAD_COLOR);
  if (!chatter.text().empty()) log::debug("OpenCV: " + chatter.text());
  if (image.empty() || !chatter.text().empty()) return {{}, damaged("")};
  make_rgb(image);
  return {image, {}};
}

Decoded decode_supported(std::string_view bytes, int needed) try {
  if (is_jpeg(bytes)) return decode_jpeg(bytes, needed);
  if (is_png(bytes)) return decode_png(bytes);
  if (is_tiff(bytes)) return decode_tiff(bytes);
  return decode_by_opencv(bytes);
} catch (const cv::Exception& error) {
  if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();  // the image may be sound
  log::debug(str("OpenCV: ", error.what()));
  return {{}, damaged("")};
}

}  // namespace

Decoded decode(std::string_view bytes, const std::filesystem::path& path, int needed) {
  set_up_opencv();
  if (const std::string reason = reason_against(bytes); !reason.empty())
    throw Unusable(path, reason);
  Decoded decoded = decode_supported(bytes, needed);
  if (decoded.image.empty()) throw Unusable(path, decoded.reason);
  const PixelSize size{static_cast<std::uint64_t>(decoded.image.cols),
                       static_cast<std::uint64_t>(decoded.image.rows)};
  if (const std::string reason = reason_against(size); !reason.empty())
    throw Unusable(path, reason);
  return decoded;
}

std::uint64_t pixels_to_decode(std::string_view bytes, int needed) {
  const PixelSize size = claimed_size(bytes);
  if (!reason_against(size).empty()) return 0;
  const int by = is_jpeg(bytes) ? reduction(static_cast<int>(size.width),
                                            static_cast<int>(size.height), needed)
                                : 1;
  return size.width * size.height / static_cast<std::uint64_t>(by * by);
}

std::string codecs() {
  // OpenCV's own information names the versions of the others, as WebP.
  return str("jpeg ", LIBJPEG_TURBO_VERSION_NUMBER, " png ", png_access_version_number(), " ",
             TIFFGetVersion(), " ", cv::getBuildInformation());
}

}  // namespace tl
