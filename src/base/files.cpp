#include "tl/base/files.h"

#include "tl/base/text.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tl {
namespace {

constexpr const char* temporary_prefix = ".tmp-";

std::string hint_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space, or choose a folder on another disk";
    case EFBIG:
      return "raise the limit on the size of files (ulimit -f)";
    case EMFILE:
      return "raise the limit on open files (ulimit -n)";
    case ENFILE:
    case ENOMEM:
      return "run less beside it on this machine";
    case EACCES:
    case EPERM:
      return "check its permissions, or choose another place";
    case EROFS:
      return "choose a folder that you may write to";
    case EISDIR:
      return "give a file, not a folder";
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return "check the path";
    case EIO:
    case ESTALE:
      return "the disk or the network folder fails; try again when it is well";
    default:
      return {};
  }
}

bool ran_out(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EMFILE ||
         error == ENFILE || error == ENOMEM;
}

[[noreturn]] void fail(ExitCode code, const std::string& what, const std::filesystem::path& where) {
  throw_system_error(code, what, where, errno);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// A new file beside the target, removed again unless it was renamed to it.
class TemporaryFile {
 public:
  TemporaryFile(std::filesystem::path target, ExitCode code)
      : code_(code), target_(std::move(target)) {
    static std::atomic<unsigned> counter{0};
    const auto folder = folder_of(target_);
    do {
      path_ = folder / str(temporary_prefix, ::getpid(), "-", counter++);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) fail(code_, "can't write into the folder", folder);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!renamed_) ::unlink(path_.c_str());
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(code_, "can't write the file", target_);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  // The bytes are on the disk, or it says now that it has no room for them.
  void finish() {
    if (::fsync(descriptor_) != 0) fail(code_, "can't write the file", target_);
    const int closed = ::close(std::exchange(descriptor_, -1));
    if (closed != 0) fail(code_, "can't write the file", target_);
  }

  void rename() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      fail(code_, "can't write the file", target_);
    }
    renamed_ = true;
  }

 private:
  ExitCode code_;
  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

// Makes the rename itself durable. File systems that can't sync a folder say EINVAL.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder may be writable but not readable
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0 && error != EINVAL)
    throw_system_error(ExitCode::failure, "can't sync the folder", folder, error);
}

}  // namespace

void throw_system_error(ExitCode code, const std::string& what, const std::filesystem::path& where,
                        int error) {
  throw Error(ran_out(error) ? ExitCode::failure : code, str(what, ": ", std::strerror(error)),
              where.string(), hint_for(error));
}

std::string read_file(const std::filesystem::path& path, ExitCode code) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) fail(code, "can't read the file", path);
  std::string bytes;
  char buffer[1 << 16];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file.get())) {
    bytes.append(buffer, n);
  }
  if (std::ferror(file.get())) fail(code, "can't read the file", path);
  return bytes;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  TemporaryFile file(path, ExitCode::failure);
  file.write(bytes);
  file.finish();
  file.rename();
  sync_folder(folder_of(path));
}

void replace_file(const std::filesystem::path& path, const std::filesystem::path& previous,
                  std::string_view bytes) {
  TemporaryFile file(path, ExitCode::failure);
  file.write(bytes);
  file.finish();
  if (::rename(path.c_str(), previous.c_str()) != 0 && errno != ENOENT) {
    fail(ExitCode::failure, "can't rename the file", path);
  }
  file.rename();
  sync_folder(folder_of(path));
}

bool is_temporary(const std::filesystem::path& file) {
  return file.filename().string().starts_with(temporary_prefix);
}

void remove_temporary_files(const std::filesystem::path& folder, std::chrono::seconds age) {
  const auto now = std::filesystem::file_time_type::clock::now();
  std::error_code error;  // is ignored: they only take room
  auto file = std::filesystem::directory_iterator(folder, error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    if (!is_temporary(*file)) continue;
    std::error_code gone;
    const auto written = file->last_write_time(gone);
    if (!gone && now - written >= age) std::filesystem::remove(*file, gone);
  }
}

void make_writable_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw_system_error(ExitCode::usage, "can't make the folder", folder, error.value());
  TemporaryFile(folder / "trial", ExitCode::usage).write("trial");
}

}  // namespace tl
