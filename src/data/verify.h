// Proves images by decoding them, on several threads.
#pragma once

#include "tl/base/hash.h"
#include "tl/data/dataset.h"

#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tl {

// work(i) for i from 0 to count - 1, on how.threads threads. After an error nothing new is begun;
// what was begun before, and so everything in front of it, comes to its end. Throws the error of
// the lowest i, or Error(interrupted) where how.stop says so.
void for_each_image(std::size_t count, const CheckOptions& how,
                    const std::function<void(std::size_t)>& work);

struct Verified {
  std::string reason;        // why the image is unusable, or ""
  std::exception_ptr error;  // then: none, or what kept the file from being read
  Digest content = {};       // of the file's bytes
  int width = 0;             // pixels, before any EXIF rotation
  int height = 0;
  bool lacks_end = false;  // a JPEG that is whole but for its end mark
};

// Called with the path of an image that is unusable, from any thread; what it throws ends the
// check.
using Refuse = std::function<void(const std::string& path, const Verified& image)>;

// verified[i] tells of root/paths[i]. JPEGs are decoded at an eighth of their size; as long as
// there is room in how.images, at the size that is needed there, and kept. Of several errors, the
// one that comes first in `paths` is thrown, and as soon as it can be.
std::vector<Verified> verify_images(const std::filesystem::path& root,
                                    const std::vector<std::string>& paths, const CheckOptions& how,
                                    const Refuse& refuse = {});

}  // namespace tl
