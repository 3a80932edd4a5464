// Small pictures that travel inside the page.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tl {

std::string base64(std::string_view bytes);

// A JPEG as a data URI, at most `side` pixels on its longer side; "" where the image can't be read.
std::string thumbnail_uri(const std::filesystem::path& path, int side);

}  // namespace tl
