#include "data/tiff.h"

#include "tl/base/log.h"
#include "tl/base/text.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <tiffio.h>

namespace tl {
namespace {

// The first error of the decoding that this thread is at; null: it is at none.
thread_local std::string* first_error = nullptr;

std::string words_of(const char* module, const char* format, va_list arguments) {
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  return module == nullptr ? text : str(module, ": ", text);
}

// libtiff has one pair of functions for the whole process.
void hear_error(thandle_t, const char* module, const char* format, va_list arguments) {
  if (first_error == nullptr) return;
  const std::string words = words_of(module, format, arguments);
  log::debug("libtiff: " + words);
  if (first_error->empty()) *first_error = words;
}

void hear_warning(thandle_t, const char* module, const char* format, va_list arguments) {
  if (first_error != nullptr) log::debug("libtiff: " + words_of(module, format, arguments));
}

void set_up_libtiff() {
  static std::once_flag once;
  std::call_once(once, [] {
    TIFFSetErrorHandler(nullptr);  // they write to stderr
    TIFFSetWarningHandler(nullptr);
    TIFFSetErrorHandlerExt(hear_error);
    TIFFSetWarningHandlerExt(hear_warning);
  });
}

// The file, for libtiff.
struct Source {
  std::string_view bytes;
  std::size_t at = 0;
};

Source& source(thandle_t handle) {
  return *static_cast<Source*>(handle);
}

tmsize_t read(thandle_t handle, void* buffer, tmsize_t wanted) {
  Source& from = source(handle);
  const std::size_t left = from.bytes.size() - std::min(from.at, from.bytes.size());
  const std::size_t n = std::min(left, static_cast<std::size_t>(wanted));
  std::memcpy(buffer, from.bytes.data() + from.bytes.size() - left, n);
  from.at += n;
  return static_cast<tmsize_t>(n);
}

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Source& from = source(handle);
  const toff_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? from.at : from.bytes.size();
  return from.at = base + offset;
}

toff_t size(thandle_t handle) {
  return source(handle).bytes.size();
}

int map(thandle_t handle, void** base, toff_t* length) {
  *base = const_cast<char*>(source(handle).bytes.data());
  *length = source(handle).bytes.size();
  return 1;
}

using Tiff = std::unique_ptr<TIFF, void (*)(TIFF*)>;

Tiff open(Source& from) {
  return {
      TIFFClientOpen(
          "the file", "r", &from, read, [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; },
          seek, [](thandle_t) { return 0; }, size, map, [](thandle_t, void*, toff_t) {}),
      TIFFClose};
}

std::uint16_t value(TIFF* tiff, ttag_t tag) {
  std::uint16_t number = 0;
  TIFFGetFieldDefaulted(tiff, tag, &number);
  return number;
}

int extra_channels(TIFF* tiff) {
  std::uint16_t n = 0;
  const std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &n, &kinds);
  return n;
}

std::string sample_kind(std::uint16_t format) {
  switch (format) {
    case SAMPLEFORMAT_INT:
      return "signed";
    case SAMPLEFORMAT_IEEEFP:
      return "floating-point";
    case SAMPLEFORMAT_COMPLEXINT:
    case SAMPLEFORMAT_COMPLEXIEEEFP:
      return "complex";
    default:
      return {};
  }
}

// What of it is not supported; empty: nothing.
std::string unsupported(TIFF* tiff) {
  const std::uint16_t compression = value(tiff, TIFFTAG_COMPRESSION);
  if (!TIFFIsCODECConfigured(compression)) return str("of compression ", compression);
  const std::uint16_t photometric = value(tiff, TIFFTAG_PHOTOMETRIC);
  const bool is_log = photometric == PHOTOMETRIC_LOGL || photometric == PHOTOMETRIC_LOGLUV;
  const std::string kind = sample_kind(value(tiff, TIFFTAG_SAMPLEFORMAT));
  if (!kind.empty() && !is_log) return str("of ", kind, " numbers");
  if (const auto bits = value(tiff, TIFFTAG_BITSPERSAMPLE); bits > 16 && !is_log)
    return str("of ", bits, " bits a channel");
  // Colours and an alpha; of more, nobody knows which are the colours.
  const int channels = value(tiff, TIFFTAG_SAMPLESPERPIXEL);
  const bool is_one = photometric == PHOTOMETRIC_MINISBLACK ||
                      photometric == PHOTOMETRIC_MINISWHITE || photometric == PHOTOMETRIC_PALETTE;
  if (extra_channels(tiff) > 1 || (is_one && channels > 2) || channels > 5)
    return str("of ", channels, " channels");
  char words[1024] = "";
  return TIFFRGBAImageOK(tiff, words) ? "" : str("that libtiff can't convert (", words, ")");
}

bool paint(TIFF* tiff, cv::Mat& rgba) {
  char words[1024] = "";
  TIFFRGBAImage image;
  if (!TIFFRGBAImageBegin(&image, tiff, /*stop on errors*/ 1, words)) return false;
  image.req_orientation = image.orientation;  // it is turned later
  rgba.create(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC4);
  const int done = TIFFRGBAImageGet(&image, rgba.ptr<std::uint32_t>(), image.width, image.height);
  TIFFRGBAImageEnd(&image);
  return done != 0;
}

}  // namespace

Decoded decode_tiff(std::string_view bytes) {
  set_up_libtiff();
  std::string error;
  struct Hearing {
    explicit Hearing(std::string& words) { first_error = &words; }
    ~Hearing() { first_error = nullptr; }
  } const hearing(error);
  Source from{bytes};
  const Tiff tiff = open(from);
  if (!tiff) return {{}, damaged(error)};
  if (const std::string what = unsupported(tiff.get()); !what.empty())
    return {{}, str("is a TIFF ", what, ", which is not supported")};
  cv::Mat image;
  if (!paint(tiff.get(), image) || !error.empty()) return {{}, damaged(error)};
  cv::cvtColor(image, image, cv::COLOR_RGBA2RGB);
  return {turned(image, value(tiff.get(), TIFFTAG_ORIENTATION)), {}};
}

}  // namespace tl
