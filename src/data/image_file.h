// Image files on the disk, of which no more is read than is needed to see what they are.
#pragma once

#include "tl/base/error.h"

#include <filesystem>
#include <string>

namespace tl {

// A file that was read and is no image, or none that can be used; Error(data) of other kinds says
// nothing about the image.
class Unusable : public Error {
 public:
  Unusable(const std::filesystem::path& path, const std::string& reason)
      : Error(ExitCode::data, "the file " + reason, path.string(),
              "put a JPEG or PNG in its place, or remove it") {}
};

// The file's bytes. Throws Unusable where there is no file behind the name, where its first bytes
// are of no supported format (the others are not read then), and from 2 GiB on; otherwise as
// read_file does, with Error(data).
std::string read_image(const std::filesystem::path& path);

// Whether the first bytes are of a supported format; no, where they can't be read.
bool begins_like_an_image(const std::filesystem::path& path);

}  // namespace tl
