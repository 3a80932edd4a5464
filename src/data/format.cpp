#include "data/format.h"

#include "tl/base/text.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>

namespace tl {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t max_pixels = std::uint64_t{1} << 28;
constexpr auto jpeg_magic = "\xFF\xD8\xFF"sv;
constexpr std::uint8_t start_of_scan = 0xDA, end_mark = 0xD9;  // of a JPEG
constexpr auto png_magic = "\x89PNG\r\n\x1A\n"sv;
constexpr auto jpeg_2000_magic = "\0\0\0\x0CjP  "sv;
constexpr auto jpeg_2000_start = "\xFF\x4F\xFF\x51"sv;

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
  PixelSize size;
  bool complete = true;  // the format's end mark is there
};

// A second header, which no sound file has, can't make the image smaller than it is.
void enlarge(PixelSize& size, std::uint64_t width, std::uint64_t height) {
  size.width = std::max(size.width, width);
  size.height = std::max(size.height, height);
}

bool is_frame_header(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// The next marker at or behind `at` that has a body or is the end mark; npos: none.
std::size_t find_marker(std::string_view bytes, std::size_t at) {
  for (at = bytes.find('\xFF', at); at != bytes.npos; at = bytes.find('\xFF', at + 1)) {
    if (at + 1 == bytes.size()) return bytes.npos;
    const std::uint8_t code = byte_at(bytes, at + 1);
    const bool is_stuffing = code == 0x00 || code == 0xFF;
    const bool stands_alone = code == 0x01 || (code >= 0xD0 && code <= 0xD7);  // TEM, restarts
    if (!is_stuffing && !stands_alone) return at;
  }
  return bytes.npos;
}

// Calls visit(marker, body) from marker to marker until it says false, so that neither the
// thumbnail in the EXIF segment nor what stands behind the end mark (which is legal) is taken for
// the image.
template <typename Visit>
void walk_jpeg(std::string_view bytes, const Visit& visit) {
  std::size_t at = find_marker(bytes, 2);
  while (at != bytes.npos) {
    const std::uint8_t marker = byte_at(bytes, at + 1);
    if (marker == end_mark) {
      visit(marker, std::string_view());
      return;
    }
    if (at + 4 > bytes.size()) return;
    const std::size_t length = std::max<std::size_t>(big_endian(bytes, at + 2, 2), 2);
    if (at + 2 + length > bytes.size()) return;
    if (!visit(marker, bytes.substr(at + 4, length - 2))) return;
    at = find_marker(bytes, at + 2 + length);
  }
}

Extent jpeg_extent(std::string_view bytes) {
  Extent extent;
  extent.complete = false;
  walk_jpeg(bytes, [&](std::uint8_t marker, std::string_view body) {
    extent.complete = marker == end_mark;
    if (is_frame_header(marker) && body.size() >= 5) {
      enlarge(extent.size, big_endian(body, 3, 2), big_endian(body, 1, 2));
    }
    return true;
  });
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
      enlarge(extent.size, big_endian(bytes, at + 8, 4), big_endian(bytes, at + 12, 4));
    }
    at = end;
  }
  extent.complete = false;
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

// None: of no supported format.
std::optional<Extent> extent_of(std::string_view bytes) {
  if (is_jpeg(bytes)) return jpeg_extent(bytes);
  if (bytes.starts_with(png_magic)) return png_extent(bytes);
  if (bytes.starts_with("BM")) return Extent{bmp_size(bytes)};
  if (is_pnm(bytes)) return Extent{pnm_size(bytes)};
  if (is_webp(bytes)) return Extent{};  // its sizes are small enough, all of them
  if (bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv)) return Extent{tiff_size(bytes)};
  if (bytes.starts_with(jpeg_2000_magic) || bytes.starts_with(jpeg_2000_start)) {
    return Extent{jpeg_2000_size(bytes)};
  }
  return std::nullopt;
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

bool is_jpeg(std::string_view bytes) {
  return bytes.starts_with(jpeg_magic);
}

std::string reason_against(const PixelSize& size) {
  if (size.width * size.height > max_pixels) {
    return str("is too large: ", size.width, " x ", size.height, " pixels, and at most 2^28 ",
               "are taken");
  }
  if (too_thin(size)) return str("is too thin: ", size.width, " x ", size.height, " pixels");
  return {};
}

std::string reason_against(std::string_view bytes) {
  if (bytes.empty()) return "is empty";
  if (const std::string_view format = unsupported_format(bytes); !format.empty()) {
    return str("is ", format, ", which is not supported");
  }
  // OpenCV would try dozens of others on it, with libraries that a broken file can crash.
  const auto extent = extent_of(bytes);
  if (!extent) return "is no image of a supported format";
  if (!extent->complete) return "is truncated: the end of the image is missing";
  return reason_against(extent->size);
}

PixelSize claimed_size(std::string_view bytes) {
  return extent_of(bytes).value_or(Extent{}).size;
}

int exif_orientation(std::string_view bytes) {
  constexpr std::uint8_t application_segment = 0xE1;
  constexpr auto exif_magic = "Exif\0\0"sv;
  constexpr std::uint32_t orientation_tag = 274;
  std::uint32_t orientation = 0;
  walk_jpeg(bytes, [&](std::uint8_t marker, std::string_view body) {
    if (marker == application_segment && body.starts_with(exif_magic)) {
      orientation = tiff_value(body.substr(exif_magic.size()), orientation_tag);
    }
    return orientation == 0 && marker != start_of_scan;
  });
  return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
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
