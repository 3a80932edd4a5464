#include "data/format.h"

#include "tl/base/text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tl {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t max_pixels = std::uint64_t{1} << 28;
constexpr auto jpeg_magic = "\xFF\xD8\xFF"sv;
constexpr auto png_magic = "\x89PNG\r\n\x1A\n"sv;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint32_t big_endian(std::string_view bytes, std::size_t at, int length) {
  std::uint32_t value = 0;
  for (int i = 0; i < length; ++i)
    value = value << 8 | byte_at(bytes, at + i);
  return value;
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at, int length) {
  std::uint32_t value = 0;
  for (int i = length; i > 0; --i)
    value = value << 8 | byte_at(bytes, at + i - 1);
  return value;
}

struct Extent {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  bool complete = true;  // the format's end mark is there
};

bool is_frame_header(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// The next marker at or behind `at` (0xFF, then neither a stuffed zero nor a restart); npos: none.
std::size_t find_marker(std::string_view bytes, std::size_t at) {
  for (at = bytes.find('\xFF', at); at != bytes.npos; at = bytes.find('\xFF', at + 1)) {
    if (at + 1 == bytes.size()) return bytes.npos;
    const std::uint8_t code = byte_at(bytes, at + 1);
    if (code != 0x00 && code != 0xFF && (code < 0xD0 || code > 0xD7)) return at;
  }
  return bytes.npos;
}

// Goes from marker to marker, so that neither the thumbnail in the EXIF segment nor what stands
// behind the end mark (which is legal) is taken for the image.
Extent jpeg_extent(std::string_view bytes) {
  Extent extent;
  std::size_t at = find_marker(bytes, 2);
  while (at != bytes.npos) {
    const std::uint8_t marker = byte_at(bytes, at + 1);
    if (marker == 0xD9) return extent;
    if (at + 4 > bytes.size()) break;
    const std::size_t end = at + 2 + big_endian(bytes, at + 2, 2);
    if (end > bytes.size()) break;
    if (is_frame_header(marker) && end >= at + 9) {
      extent.height = big_endian(bytes, at + 5, 2);
      extent.width = big_endian(bytes, at + 7, 2);
    }
    at = find_marker(bytes, end);
  }
  extent.complete = false;
  return extent;
}

constexpr std::size_t around_chunk = 12;  // a PNG chunk's length, type and checksum

Extent png_extent(std::string_view bytes) {
  Extent extent;
  std::size_t at = png_magic.size();
  while (at + around_chunk <= bytes.size()) {
    const std::size_t end = at + around_chunk + big_endian(bytes, at, 4);
    if (end > bytes.size()) break;
    const std::string_view type = bytes.substr(at + 4, 4);
    if (type == "IEND") return extent;
    if (type == "IHDR" && end >= at + around_chunk + 8) {
      extent.width = big_endian(bytes, at + 8, 4);
      extent.height = big_endian(bytes, at + 12, 4);
    }
    at = end;
  }
  extent.complete = false;
  return extent;
}

Extent bmp_extent(std::string_view bytes) {
  Extent extent;
  if (bytes.size() < 26) return extent;
  const bool old = little_endian(bytes, 14, 4) == 12;  // OS/2's header has 16-bit sizes
  extent.width = little_endian(bytes, 18, old ? 2 : 4);
  const std::uint32_t height = little_endian(bytes, old ? 20 : 22, old ? 2 : 4);
  extent.height = !old && height >> 31 ? ~height + 1 : height;  // negative: rows from the top
  return extent;
}

Extent extent_of(std::string_view bytes) {
  if (bytes.starts_with(jpeg_magic)) return jpeg_extent(bytes);
  if (bytes.starts_with(png_magic)) return png_extent(bytes);
  if (bytes.starts_with("BM")) return bmp_extent(bytes);
  return {};
}

// Resized by its shorter side, such an image would fill the memory.
bool too_thin(const Extent& extent) {
  return std::max(extent.width, extent.height) > 256 * std::min(extent.width, extent.height);
}

// With its article; empty for what may be worth a try.
std::string_view unsupported_format(std::string_view bytes) {
  constexpr std::pair<std::string_view, std::string_view> by_magic[] = {
      {"GIF8", "a GIF"}, {"%PDF", "a PDF"}, {"8BPS", "a Photoshop file"}, {"<svg", "an SVG"}};
  for (const auto& [magic, format] : by_magic) {
    if (bytes.starts_with(magic)) return format;
  }
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp") return {};
  const std::string_view brand = bytes.substr(8, 4);
  if (brand == "avif" || brand == "avis") return "an AVIF";
  return brand.starts_with("he") || brand == "mif1" ? "a HEIC" : "a video";
}

}  // namespace

std::string reason_against(std::string_view bytes) {
  if (bytes.empty()) return "is empty";
  if (const std::string_view format = unsupported_format(bytes); !format.empty()) {
    return str("is ", format, ", which is not supported");
  }
  const Extent extent = extent_of(bytes);
  if (!extent.complete) return "is truncated: the end of the image is missing";
  if (extent.width * extent.height > max_pixels) {
    return str("is too large: ", extent.width, " x ", extent.height, " pixels, and at most 2^28 ",
               "are taken");
  }
  if (too_thin(extent)) {
    return str("is too thin: ", extent.width, " x ", extent.height, " pixels");
  }
  return {};
}

int jpeg_side(std::string_view bytes) {
  if (!bytes.starts_with(jpeg_magic)) return 0;
  const Extent extent = jpeg_extent(bytes);
  return static_cast<int>(std::min(extent.width, extent.height));
}

void drop_png_extras(std::string& bytes) {
  if (!bytes.starts_with(png_magic)) return;
  std::string kept(png_magic);
  std::size_t at = png_magic.size();
  while (at + around_chunk <= bytes.size()) {
    const std::size_t length = around_chunk + big_endian(bytes, at, 4);
    const std::string_view type = std::string_view(bytes).substr(at + 4, 4);
    const bool is_critical = type[0] >= 'A' && type[0] <= 'Z';
    if (is_critical || type == "tRNS" || type == "eXIf") kept.append(bytes, at, length);
    at += length;
  }
  bytes = std::move(kept);
}

}  // namespace tl
