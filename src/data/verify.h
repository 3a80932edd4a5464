// Proves images by decoding them, on several threads.
#pragma once

#include "tl/base/hash.h"
#include "tl/data/image_cache.h"

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

// verified[i] tells of root/paths[i]. JPEGs are decoded at an eighth of their size; as long as
// there is room in `keep`, if not null, at the size that is needed there, and kept.
std::vector<Verified> verify_images(const std::filesystem::path& root,
                                    const std::vector<std::string>& paths, int threads,
                                    const std::function<void(std::size_t, std::size_t)>& progress,
                                    ImageCache* keep = nullptr);

}  // namespace tl
