#include "data/image_file.h"

#include "data/format.h"
#include "tl/base/files.h"
#include "tl/base/text.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>

namespace tl {
namespace {

namespace fs = std::filesystem;

// Enough for the magic of every format that is known by name.
constexpr std::size_t start_length = 512;
// Of any image that is not too large, even at 16 bits and four channels. OpenCV counts in ints.
constexpr std::uint64_t most_bytes = std::numeric_limits<int>::max();

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// A link that leads nowhere, a pipe or a folder is no image. A file that can't be looked at, or is
// gone since it was listed, may be one.
void require_file(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  if (type == fs::file_type::regular) return;
  const bool is_knot = error == std::errc::too_many_symbolic_link_levels;
  std::error_code ignored;
  const bool is_gone = type == fs::file_type::not_found && !fs::is_symlink(path, ignored);
  if ((type == fs::file_type::none && !is_knot) || is_gone) {
    throw_system_error(ExitCode::data, "the file can't be read", path,
                       is_gone ? ENOENT : error.value());
  }
  throw Unusable(path, "can't be read");
}

// Appends up to n bytes.
void read(std::FILE* file, std::size_t n, std::string& bytes, const fs::path& path) {
  const std::size_t before = bytes.size();
  bytes.resize(before + n);
  bytes.resize(before + std::fread(bytes.data() + before, 1, n, file));
  if (std::ferror(file)) throw_system_error(ExitCode::data, "the file can't be read", path, errno);
}

File open_file(const fs::path& path) {
  require_file(path);
  File file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) throw_system_error(ExitCode::data, "the file can't be read", path, errno);
  return file;
}

}  // namespace

std::string read_image(const fs::path& path) {
  const File file = open_file(path);
  std::string bytes;
  read(file.get(), start_length, bytes, path);
  const std::string reason = reason_against_start(bytes);
  if (!reason.empty()) throw Unusable(path, reason);
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  if (error) throw_system_error(ExitCode::data, "the file can't be read", path, error.value());
  if (size > most_bytes) {
    throw Unusable(path, str("is too large: ", fixed(static_cast<double>(size) / 1e9, 1),
                             " GB, and at most ", fixed(most_bytes / 1e9, 1), " GB are taken"));
  }
  if (size > bytes.size()) read(file.get(), size - bytes.size(), bytes, path);
  return bytes;
}

bool begins_like_an_image(const fs::path& path) {
  try {
    std::string start;
    read(open_file(path).get(), start_length, start, path);
    return reason_against_start(start).empty();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace tl
