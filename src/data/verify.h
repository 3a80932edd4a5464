// Proves images by decoding them, on several threads.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tl {

// reasons[i]: why root/paths[i] is unusable, or "" for a good image.
std::vector<std::string> verify_images(
    const std::filesystem::path& root, const std::vector<std::string>& paths, int threads,
    const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace tl
