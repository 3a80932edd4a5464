// What the first bytes of a file say, and whether its last ones are there. OpenCV decodes the half
// of a truncated image without a word, and takes the memory for any size that a header claims.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tl {

struct PixelSize {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
};

// Why an image of that size is not taken: more than 2^28 pixels, or one side 256 times the other.
// Empty where nothing speaks against it.
std::string reason_against(const PixelSize& size);

// Why a file that begins so (with 512 bytes, if it has as many) is no image that is taken: it is
// empty, or of a format that is not supported. Empty where nothing speaks against it.
std::string reason_against_start(std::string_view start);

// Why `bytes` should not be handed to the decoder: its start, a coding that is not supported (such
// as a lossless JPEG), truncated (PNG), or of a claimed size that is not taken. Empty where nothing
// speaks against it.
std::string reason_against(std::string_view bytes);

// What the header of a JPEG, PNG, BMP, PNM, TIFF or JPEG 2000 claims, before any EXIF rotation;
// zeros where it says nothing, and for other formats.
PixelSize claimed_size(std::string_view bytes);

bool is_jpeg(std::string_view bytes);
bool is_png(std::string_view bytes);
bool is_tiff(std::string_view bytes);

// Whether a JPEG's end mark is there.
bool has_end_mark(std::string_view jpeg);

// How a JPEG or PNG is to be turned, 1 to 8 as EXIF counts; 1 where it does not say.
int exif_orientation(std::string_view bytes);

}  // namespace tl
