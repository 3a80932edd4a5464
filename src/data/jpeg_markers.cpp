#include "data/jpeg_markers.h"

#include "data/bytes.h"
#include "tl/base/text.h"

#include <algorithm>

namespace tl {
namespace {

using namespace std::string_view_literals;

constexpr auto jpeg_magic = "\xFF\xD8\xFF"sv;
constexpr std::uint8_t start_of_scan = 0xDA, end_mark = 0xD9;

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

}  // namespace

bool is_jpeg(std::string_view bytes) {
  return bytes.starts_with(jpeg_magic);
}

bool has_end_mark(std::string_view jpeg) {
  bool found = false;
  walk_jpeg(jpeg, [&](std::uint8_t marker, std::string_view) {
    found = marker == end_mark;
    return true;
  });
  return found;
}

PixelSize jpeg_size(std::string_view bytes) {
  PixelSize size;
  walk_jpeg(bytes, [&](std::uint8_t marker, std::string_view body) {
    if (is_frame_header(marker) && body.size() >= 5) {
      size.width = std::max<std::uint64_t>(size.width, big_endian(body, 3, 2));
      size.height = std::max<std::uint64_t>(size.height, big_endian(body, 1, 2));
    }
    return true;
  });
  return size;
}

std::string unsupported_jpeg(std::string_view bytes) {
  constexpr std::uint8_t jpeg_ls = 0xF7;
  std::string found;
  walk_jpeg(bytes, [&](std::uint8_t marker, std::string_view body) {
    const bool is_lossless = marker == 0xC3 || marker == 0xC7 || marker == 0xCB || marker == 0xCF;
    const bool is_hierarchical =
        marker == 0xC5 || marker == 0xC6 || marker == 0xCD || marker == 0xCE;
    if (marker == jpeg_ls) {
      found = "a JPEG-LS";
    } else if (is_lossless) {
      found = "a lossless JPEG";
    } else if (is_hierarchical) {
      found = "a hierarchical JPEG";
    } else if (is_frame_header(marker) && body.size() >= 6) {
      const int bits = byte_at(body, 0), channels = byte_at(body, 5);
      if (bits != 8) found = str("a JPEG of ", bits, " bits a channel");
      if (channels == 2 || channels > 4) found = str("a JPEG of ", channels, " channels");
      if (big_endian(body, 1, 2) == 0) found = "a JPEG that says its height behind the pixels";
    }
    return found.empty() && marker != start_of_scan;
  });
  return found;
}

std::vector<std::string_view> jpeg_exif(std::string_view bytes) {
  constexpr std::uint8_t application_segment = 0xE1;
  constexpr auto exif_magic = "Exif\0\0"sv;
  std::vector<std::string_view> found;
  walk_jpeg(bytes, [&](std::uint8_t marker, std::string_view body) {
    if (marker == application_segment && body.starts_with(exif_magic)) {
      found.push_back(body.substr(exif_magic.size()));
    }
    return marker != start_of_scan;
  });
  return found;
}

}  // namespace tl
