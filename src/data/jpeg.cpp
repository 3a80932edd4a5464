#include "data/jpeg.h"

#include "data/format.h"
#include "tl/data/image.h"

#include <opencv2/core.hpp>

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it
#include <jerror.h>
#include <jpeglib.h>
#include <new>

namespace tl {
namespace {

// Sound progressive files have a dozen scans; a hostile one has them without end.
constexpr int most_scans = 500;

// libjpeg ends a call that fails by calling a function that must not return.
struct Failure : jpeg_error_mgr {
  std::jmp_buf way_out;
};

[[noreturn]] void fail(j_common_ptr info) {
  std::longjmp(static_cast<Failure*>(info->err)->way_out, 1);
}

void limit_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > most_scans) fail(info);
}

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&failure_);
    failure_.error_exit = fail;
    // What it only warns of, such as stray bytes, is in many sound photographs.
    failure_.emit_message = [](j_common_ptr, int) {};
    progress_.progress_monitor = limit_scans;
  }
  ~Decoder() { jpeg_destroy_decompress(&info_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  bool read_header() {
    return succeeds([&] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
      jpeg_read_header(&info_, TRUE);
    });
  }

  PixelSize size() const { return {info_.image_width, info_.image_height}; }
  bool is_cmyk() const {
    return info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
  }

  // RGB or CMYK, at 1 / `reduction` of its size; empty where it fails.
  cv::Mat decode(int reduction) {
    info_.scale_num = 1;
    info_.scale_denom = static_cast<unsigned>(reduction);
    info_.out_color_space = is_cmyk() ? JCS_CMYK : JCS_RGB;
    if (!succeeds([&] { jpeg_start_decompress(&info_); })) return {};
    cv::Mat image(static_cast<int>(info_.output_height), static_cast<int>(info_.output_width),
                  is_cmyk() ? CV_8UC4 : CV_8UC3);
    const bool whole = succeeds([&] {
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = image.ptr(static_cast<int>(info_.output_scanline));
        jpeg_read_scanlines(&info_, &row, 1);
      }
    });
    return whole ? image : cv::Mat();
  }

 private:
  // `work` may hold nothing that needs a destructor: a failure jumps out of it.
  template <typename Work>
  bool succeeds(const Work& work) {
    if (setjmp(failure_.way_out) != 0) {
      if (failure_.msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
      return false;
    }
    work();
    return true;
  }

  std::string_view bytes_;
  jpeg_decompress_struct info_{};
  Failure failure_{};
  jpeg_progress_mgr progress_{};
};

// Inks as Adobe writes them: 255 is none.
cv::Mat rgb_of(const cv::Mat& cmyk) {
  cv::Mat rgb(cmyk.size(), CV_8UC3);
  for (int y = 0; y < cmyk.rows; ++y) {
    for (int x = 0; x < cmyk.cols; ++x) {
      const auto& inks = cmyk.at<cv::Vec4b>(y, x);
      for (int c = 0; c < 3; ++c)
        rgb.at<cv::Vec3b>(y, x)[c] = static_cast<std::uint8_t>(inks[c] * inks[3] / 255);
    }
  }
  return rgb;
}

// EXIF's numbers: each says where the first row and the first column belong.
cv::Mat turned(const cv::Mat& image, int orientation) {
  cv::Mat result = image;
  if (orientation >= 5) cv::transpose(image, result);
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

}  // namespace

cv::Mat decode_jpeg(std::string_view bytes, int needed) {
  Decoder decoder(bytes);
  if (!decoder.read_header() || !reason_against(decoder.size()).empty()) return {};
  const auto width = static_cast<int>(decoder.size().width);
  const auto height = static_cast<int>(decoder.size().height);
  const cv::Mat image = decoder.decode(reduction(width, height, needed));
  if (image.empty()) return {};
  return turned(decoder.is_cmyk() ? rgb_of(image) : image, exif_orientation(bytes));
}

}  // namespace tl
