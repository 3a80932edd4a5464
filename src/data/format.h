// What the first bytes of a file say, and whether its last ones are there. OpenCV decodes the half
// of a truncated image without a word, and takes the memory for any size that a header claims.
#pragma once

#include <string>
#include <string_view>

namespace tl {

// Why `bytes` should not be handed to the decoder: empty, of a known format that is not supported,
// truncated (JPEG, PNG), more than 2^28 pixels or one side 256 times the other (JPEG, PNG, BMP).
// Empty where nothing speaks against it.
std::string reason_against(std::string_view bytes);

// The shorter side of a JPEG in pixels; 0 for anything else.
int jpeg_side(std::string_view bytes);

// Takes colour profiles, texts and the like out of a whole PNG: OpenCV makes nothing of them, and
// libpng writes a warning to stderr about each that it does not like.
void drop_png_extras(std::string& bytes);

}  // namespace tl
