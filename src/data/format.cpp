#include "data/format.h"

#include "data/bytes.h"
#include "data/jpeg_markers.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <utility>

namespace tl {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t max_pixels = std::uint64_t{1} << 28;
constexpr auto png_magic = "\x89PNG\r\n\x1A\n"sv;
constexpr auto jpeg_2000_magic = "\0\0\0\x0CjP  "sv;
constexpr auto jpeg_2000_start = "\xFF\x4F\xFF\x51"sv;

struct Extent {
  PixelSize size;
  bool complete = true;  // the format's end mark is there
};

constexpr std::size_t around_chunk = 12;  // a PNG chunk's length, type and checksum

// Calls visit(type, body) from chunk to chunk; whether the last one is there.
template <typename Visit>
bool walk_png(std::string_view bytes, const Visit& visit) {
  std::size_t at = png_magic.size();
  while (at + around_chunk <= bytes.size()) {
    const std::size_t length = big_endian(bytes, at, 4);
    if (at + around_chunk + length > bytes.size()) return false;
    const std::string_view type = bytes.substr(at + 4, 4);
    visit(type, bytes.substr(at + 8, length));
    if (type == "IEND") return true;
    at += around_chunk + length;
  }
  return false;
}

Extent png_extent(std::string_view bytes) {
  Extent extent;
  extent.complete = walk_png(bytes, [&](std::string_view type, std::string_view body) {
    if (type == "IHDR" && body.size() >= 8) {
      extent.size.width = std::max<std::uint64_t>(extent.size.width, big_endian(body, 0, 4));
      extent.size.height = std::max<std::uint64_t>(extent.size.height, big_endian(body, 4, 4));
    }
  });
  return extent;
}

PixelSize bmp_size(std::string_view bytes) {
  PixelSize size;
  if (bytes.size() < 26) return size;
  const bool old = little_endian(bytes, 14, 4) == 12;  // OS/2's header has 16-bit sizes
  size.width = little_endian(bytes, 18, old ? 2 : 4);
  const std::uint32_t height = little_endian(bytes, old ? 20 : 22, old ? 2 : 4);
  size.height = !old && height >> 31 ? ~height + 1 : height;  // negative: rows from the top
  return size;
}

// The value of a tag in the first directory of a TIFF, which is what EXIF data are too; 0: none.
std::uint32_t tiff_value(std::string_view bytes, std::uint32_t wanted) {
  constexpr std::size_t entry_length = 12;
  if (bytes.size() < 8) return 0;
  const auto number = bytes[0] == 'I' ? little_endian : big_endian;
  const std::size_t directory = number(bytes, 4, 4);
  if (directory + 2 > bytes.size()) return 0;
  const std::size_t first = directory + 2;
  const std::size_t end = first + entry_length * number(bytes, directory, 2);
  for (std::size_t at = first; at < end && at + entry_length <= bytes.size(); at += entry_length) {
    const bool is_short = number(bytes, at + 2, 2) == 3;
    if (number(bytes, at, 2) == wanted) return number(bytes, at + 8, is_short ? 2 : 4);
  }
  return 0;
}

PixelSize tiff_size(std::string_view bytes) {
  const PixelSize size{tiff_value(bytes, 256), tiff_value(bytes, 257)};
  return size.width > 0 && size.height > 0 ? size : PixelSize{};
}

// A JPEG 2000 codestream begins with its size, on a reference grid: from an offset to an end.
PixelSize jpeg_2000_size(std::string_view bytes) {
  const std::size_t at = bytes.find(jpeg_2000_start);
  if (at == bytes.npos || at + 24 > bytes.size()) return {};
  const auto length = [&](std::size_t end, std::size_t begin) -> std::uint64_t {
    const std::uint32_t last = big_endian(bytes, at + end, 4);
    const std::uint32_t first = big_endian(bytes, at + begin, 4);
    return last > first ? last - first : 0;
  };
  return {length(8, 16), length(12, 20)};
}

// "P1" to "P6", width and height in decimal digits, with blanks and comments between them.
bool is_pnm(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6';
}

PixelSize pnm_size(std::string_view bytes) {
  std::size_t at = 2;
  const auto number = [&]() -> std::uint64_t {
    while (at < bytes.size() && (std::isspace(byte_at(bytes, at)) != 0 || bytes[at] == '#')) {
      at = bytes[at] == '#' ? std::min(bytes.find('\n', at), bytes.size()) : at + 1;
    }
    std::uint64_t value = 0;
    for (; at < bytes.size() && std::isdigit(byte_at(bytes, at)) != 0; ++at)
      value = std::min<std::uint64_t>(value * 10 + (byte_at(bytes, at) - '0'), UINT32_MAX);
    return value;
  };
  const std::uint64_t width = number();
  return {width, number()};
}

bool is_webp(std::string_view bytes) {
  return bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
}

bool is_animated_webp(std::string_view bytes) {
  constexpr std::size_t flags = 20;
  constexpr int animated = 0x02;
  return is_webp(bytes) && bytes.size() > flags && bytes.substr(12, 4) == "VP8X" &&
         (byte_at(bytes, flags) & animated) != 0;
}

bool is_jpeg_2000(std::string_view bytes) {
  return bytes.starts_with(jpeg_2000_magic) || bytes.starts_with(jpeg_2000_start);
}

bool is_supported(std::string_view bytes) {
  return is_jpeg(bytes) || is_png(bytes) || is_tiff(bytes) || is_webp(bytes) || is_pnm(bytes) ||
         is_jpeg_2000(bytes) || bytes.starts_with("BM");
}

// Of a supported format.
Extent extent_of(std::string_view bytes) {
  if (is_jpeg(bytes)) return {jpeg_size(bytes)};
  if (is_png(bytes)) return png_extent(bytes);
  if (is_pnm(bytes)) return {pnm_size(bytes)};
  if (is_tiff(bytes)) return {tiff_size(bytes)};
  if (is_jpeg_2000(bytes)) return {jpeg_2000_size(bytes)};
  if (is_webp(bytes)) return {};  // its sizes are small enough, all of them
  return {bytes.starts_with("BM") ? bmp_size(bytes) : PixelSize{}};
}

// Resized by its shorter side, such an image would fill the memory.
bool too_thin(const PixelSize& size) {
  return std::max(size.width, size.height) > 256 * std::min(size.width, size.height);
}

// Formats that people mistake for supported ones, with their article; "" for others.
std::string_view unsupported_format(std::string_view bytes) {
  constexpr std::size_t dicom_preamble = 128;
  if (bytes.size() > dicom_preamble && bytes.substr(dicom_preamble, 4) == "DICM") return "a DICOM";
  constexpr std::pair<std::string_view, std::string_view> by_magic[] = {
      {"GIF8", "a GIF"},
      {"%PDF", "a PDF"},
      {"8BPS", "a Photoshop file"},
      {"<svg", "an SVG"},
      {"<!DOCTYPE html", "a web page"},
      {"<!doctype html", "a web page"},
      {"<html", "a web page"},
      {"PK\x03\x04", "a ZIP archive"},
      {"\xFF\x0A", "a JPEG XL"},
      {"\0\0\0\x0CJXL "sv, "a JPEG XL"},
      {"II\xBC", "a JPEG XR"},
      {"\x76\x2F\x31\x01", "an OpenEXR"},
      {"\0\0\x01\0"sv, "an icon"},
      {"II+\0"sv, "a BigTIFF"},
      {"MM\0+"sv, "a BigTIFF"},
      {"#?R", "a Radiance HDR"},
      {"P7", "a PAM"},
      {"PF", "a PFM"},
      {"Pf", "a PFM"},
      {"\x59\xA6\x6A\x95"sv, "a Sun raster"}};
  for (const auto& [magic, format] : by_magic) {
    if (bytes.starts_with(magic)) return format;
  }
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp") return {};
  const std::string_view brand = bytes.substr(8, 4);
  if (brand == "avif" || brand == "avis") return "an AVIF";
  return brand.starts_with("he") || brand == "mif1" ? "a HEIC" : "a video";
}

}  // namespace

bool is_png(std::string_view bytes) {
  return bytes.starts_with(png_magic);
}

bool is_tiff(std::string_view bytes) {
  return bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv);
}

std::string reason_against(const PixelSize& size) {
  if (size.width * size.height > max_pixels) {
    return str("is too large: ", size.width, " x ", size.height, " pixels, and at most 2^28 ",
               "are taken");
  }
  if (too_thin(size)) return str("is too thin: ", size.width, " x ", size.height, " pixels");
  return {};
}

std::string reason_against_start(std::string_view start) {
  if (start.empty()) return "is empty";
  if (const std::string_view format = unsupported_format(start); !format.empty()) {
    return str("is ", format, ", which is not supported");
  }
  // OpenCV would try dozens of others on it, with libraries that a broken file can crash.
  return is_supported(start) ? "" : "is no image of a supported format";
}

std::string reason_against(std::string_view bytes) {
  if (const std::string reason = reason_against_start(bytes); !reason.empty()) return reason;
  if (is_animated_webp(bytes)) return "is an animated WebP, which is not supported";
  if (is_jpeg(bytes)) {
    const std::string coding = unsupported_jpeg(bytes);
    if (!coding.empty()) return str("is ", coding, ", which is not supported");
  }
  const Extent extent = extent_of(bytes);
  if (!extent.complete) return "is truncated: the end of the image is missing";
  return reason_against(extent.size);
}

PixelSize claimed_size(std::string_view bytes) {
  return extent_of(bytes).size;
}

int exif_orientation(std::string_view bytes) {
  constexpr std::uint32_t orientation_tag = 274;
  std::uint32_t orientation = 0;
  if (is_png(bytes)) {
    walk_png(bytes, [&](std::string_view type, std::string_view body) {
      if (type == "eXIf") orientation = tiff_value(body, orientation_tag);
    });
  } else {
    for (const std::string_view exif : jpeg_exif(bytes))
      if (orientation == 0) orientation = tiff_value(exif, orientation_tag);
  }
  return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
}

}  // namespace tl
