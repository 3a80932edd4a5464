// Proves images by decoding them, on several threads.
#pragma once

#include "tl/base/hash.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tl {

struct Verified {
  std::string reason;  // why the image is unusable, or ""
  Digest content;      // of the file's bytes
  int width = 0;       // pixels, before any EXIF rotation
  int height = 0;
};

// verified[i] tells of root/paths[i].
std::vector<Verified> verify_images(const std::filesystem::path& root,
                                    const std::vector<std::string>& paths, int threads,
                                    const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace tl
