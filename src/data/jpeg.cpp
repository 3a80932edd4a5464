#include "data/jpeg.h"

#include "data/format.h"

#include <opencv2/core.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <turbojpeg.h>

namespace tl {
namespace {

struct Destroy {
  void operator()(void* decoder) const { tjDestroy(decoder); }
};

// The images that it makes lie in cv::Mats of their own.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes), handle_(tjInitDecompress()) {
    if (!handle_) throw std::bad_alloc();
  }

  bool read_header() {
    int subsampling = 0;
    return succeeded(tjDecompressHeader3(handle_.get(), data(), bytes_.size(), &width_, &height_,
                                         &subsampling, &colours_)) &&
           width_ > 0 && height_ > 0;
  }

  int shorter_side() const { return std::min(width_, height_); }
  bool is_cmyk() const { return colours_ == TJCS_CMYK || colours_ == TJCS_YCCK; }

  // At 1 / `reduction` of its size.
  cv::Mat decode(int reduction, int type, int pixel_format) {
    const tjscalingfactor scale{1, reduction};
    cv::Mat image(TJSCALED(height_, scale), TJSCALED(width_, scale), type);
    // A hostile file has scans without end.
    const bool whole = succeeded(tjDecompress2(handle_.get(), data(), bytes_.size(), image.data,
                                               image.cols, static_cast<int>(image.step), image.rows,
                                               pixel_format, TJFLAG_LIMITSCANS));
    return whole ? image : cv::Mat();
  }

 private:
  const unsigned char* data() const {
    return reinterpret_cast<const unsigned char*>(bytes_.data());
  }

  // What libjpeg only warns of, such as stray bytes, is in many sound photographs.
  bool succeeded(int result) const {
    if (result == 0 || tjGetErrorCode(handle_.get()) == TJERR_WARNING) return true;
    const std::string_view reason = tjGetErrorStr2(handle_.get());
    if (reason.find("Insufficient memory") != reason.npos) throw std::bad_alloc();
    return false;
  }

  std::string_view bytes_;
  std::unique_ptr<void, Destroy> handle_;
  int width_ = 0;
  int height_ = 0;
  int colours_ = 0;
};

int reduction_to(int needed, int side) {
  for (const int by : {8, 4, 2}) {
    if (side / by >= needed) return by;
  }
  return 1;
}

// Inks as Adobe writes them: 255 is none.
cv::Mat rgb_of(const cv::Mat& cmyk) {
  cv::Mat rgb(cmyk.size(), CV_8UC3);
  for (int y = 0; y < cmyk.rows; ++y) {
    for (int x = 0; x < cmyk.cols; ++x) {
      const auto& inks = cmyk.at<cv::Vec4b>(y, x);
      for (int c = 0; c < 3; ++c)
        rgb.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<std::uint8_t>(inks[c] * inks[3] / 255);
    }
  }
  return rgb;
}

// EXIF's numbers: each says where the first row and the first column belong.
cv::Mat turned(const cv::Mat& image, int orientation) {
  cv::Mat result = image;
  if (orientation >= 5) cv::transpose(image, result);
  constexpr int both = -1, left_and_right = 1, up_and_down = 0;
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

}  // namespace

cv::Mat decode_jpeg(std::string_view bytes, int needed) {
  Decoder decoder(bytes);
  if (!decoder.read_header()) return {};
  const int reduction = reduction_to(needed, decoder.shorter_side());
  const cv::Mat image = decoder.is_cmyk() ? decoder.decode(reduction, CV_8UC4, TJPF_CMYK)
                                          : decoder.decode(reduction, CV_8UC3, TJPF_RGB);
  if (image.empty()) return {};
  return turned(decoder.is_cmyk() ? rgb_of(image) : image, exif_orientation(bytes));
}

}  // namespace tl
