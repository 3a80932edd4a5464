#include "data/png.h"

#include "data/format.h"
#include "tl/base/log.h"

#include <opencv2/core.hpp>

#include <csetjmp>
#include <cstring>
#include <new>
#include <png.h>
#include <vector>

namespace tl {
namespace {

// libpng ends a call that fails by calling a function that must not return.
class PngDecoder {
 public:
  explicit PngDecoder(std::string_view bytes) : left_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail, warn);
    if (png_ == nullptr) throw std::bad_alloc();
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
    png_set_read_fn(png_, this, read);
    // Texts, profiles and the like: nothing is made of them, and many are odd.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  const std::string& error() const { return error_; }

  // Empty where it fails.
  cv::Mat decode() {
    if (!succeeds([&] { begin(); })) return {};
    cv::Mat image(static_cast<int>(png_get_image_height(png_, info_)),
                  static_cast<int>(png_get_image_width(png_, info_)), CV_8UC3);
    std::vector<png_bytep> rows;
    for (int y = 0; y < image.rows; ++y)
      rows.push_back(image.ptr(y));
    const bool whole = succeeds([&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    });
    return whole ? image : cv::Mat();
  }

 private:
  static PngDecoder& self(png_structp png, png_voidp pointer) {
    return *static_cast<PngDecoder*>(pointer != nullptr ? pointer : png_get_error_ptr(png));
  }
  [[noreturn]] static void fail(png_structp png, png_const_charp words) {
    PngDecoder& decoder = self(png, nullptr);
    decoder.error_ = words;
    std::longjmp(decoder.way_out_, 1);
  }
  static void warn(png_structp, png_const_charp words) {
    log::debug(std::string("libpng: ") + words);
  }
  static void read(png_structp png, png_bytep to, png_size_t n) {
    std::string_view& left = self(png, png_get_io_ptr(png)).left_;
    if (n > left.size()) png_error(png, "unexpected end of the file");
    std::memcpy(to, left.data(), n);
    left.remove_prefix(n);
  }

  // To 8 bits and three channels.
  void begin() {
    png_read_info(png_, info_);
    if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_gray_to_rgb(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  // `work` may hold nothing that needs a destructor: a failure jumps out of it.
  template <typename Work>
  bool succeeds(const Work& work) {
    if (setjmp(way_out_) != 0) {
      if (error_.find("emory") != error_.npos) throw std::bad_alloc();  // it has no code for it
      return false;
    }
    work();
    return true;
  }

  std::string_view left_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf way_out_{};
  std::string error_;
};

}  // namespace

Decoded decode_png(std::string_view bytes) {
  PngDecoder decoder(bytes);
  const cv::Mat image = decoder.decode();
  if (image.empty()) {
    log::debug("libpng: " + decoder.error());
    return {{}, damaged(decoder.error())};
  }
  return {turned(image, exif_orientation(bytes)), {}};
}

}  // namespace tl
