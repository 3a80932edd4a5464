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

// Why `bytes` should not be handed to the decoder: empty, of a format that is not supported,
// truncated (JPEG, PNG), or of a claimed size that is not taken. Empty where nothing speaks against
// it.
std::string reason_against(std::string_view bytes);

// What the header of a JPEG, PNG, BMP, PNM, TIFF or JPEG 2000 claims, before any EXIF rotation;
// zeros where it says nothing, and for other formats.
PixelSize claimed_size(std::string_view bytes);

bool is_jpeg(std::string_view bytes);

// How a JPEG is to be turned, 1 to 8 as EXIF counts; 1 where it does not say.
int exif_orientation(std::string_view bytes);

// Takes colour profiles, texts and the like out of a whole PNG: OpenCV makes nothing of them, and
// libpng writes a warning to stderr about each that it does not like.
void drop_png_extras(std::string& bytes);

}  // namespace tl
