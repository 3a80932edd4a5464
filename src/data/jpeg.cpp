#include "data/jpeg.h"

#include "data/format.h"
#include "tl/base/log.h"
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
  bool lacks_bits = false;  // the data ended before the image did
};

[[noreturn]] void fail(j_common_ptr info) {
  std::longjmp(static_cast<Failure*>(info->err)->way_out, 1);
}

std::string words_of(j_common_ptr info) {
  char words[JMSG_LENGTH_MAX];
  info->err->format_message(info, words);
  return words;
}

// What it only warns of, such as stray bytes, is in many sound photographs.
void hear(j_common_ptr info, int level) {
  if (level >= 0) return;  // traces
  static_cast<Failure*>(info->err)->lacks_bits |= info->err->msg_code == JWRN_HIT_MARKER;
  log::debug("libjpeg: " + words_of(info));
}

void limit_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > most_scans) fail(info);
}

class JpegDecoder {
 public:
  explicit JpegDecoder(std::string_view bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&failure_);
    failure_.error_exit = fail;
    failure_.emit_message = hear;
    progress_.progress_monitor = limit_scans;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

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

  std::string words() { return words_of(reinterpret_cast<j_common_ptr>(&info_)); }

  // After decode(): each component came to its last bit, whether or not an end mark follows.
  bool had_all() const {
    for (int i = 0; i < info_.num_components; ++i) {
      if (info_.comp_info[i].quant_table == nullptr) return false;  // it was in no scan
      if (info_.coef_bits == nullptr) continue;                     // not progressive
      for (int k = 0; k < DCTSIZE2; ++k) {
        if (info_.coef_bits[i][k] != 0) return false;
      }
    }
    return !failure_.lacks_bits;
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

}  // namespace

Decoded decode_jpeg(std::string_view bytes, int needed) {
  const bool has_end = has_end_mark(bytes);
  const Decoded truncated = {{}, "is truncated: the end of the image is missing"};
  JpegDecoder decoder(bytes);
  if (!decoder.read_header()) return has_end ? Decoded{{}, damaged(decoder.words())} : truncated;
  if (const auto reason = reason_against(decoder.size()); !reason.empty()) return {{}, reason};
  const auto width = static_cast<int>(decoder.size().width);
  const auto height = static_cast<int>(decoder.size().height);
  const cv::Mat image = decoder.decode(reduction(width, height, needed));
  if (!has_end && (image.empty() || !decoder.had_all())) return truncated;
  if (image.empty()) return {{}, damaged(decoder.words())};
  const cv::Mat rgb = decoder.is_cmyk() ? rgb_of(image) : image;
  return {turned(rgb, exif_orientation(bytes)), {}, !has_end};
}

}  // namespace tl
