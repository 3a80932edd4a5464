// Preloaded into a program, it stands between the program and its disk. Of the files below
// TL_DISK_FOLDER it writes into TL_DISK_LOG what is done to them, a line each: write, sync or
// rename and the path. After TL_DISK_OPERATIONS writes and syncs, where that is set, the disk is
// full.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <unistd.h>

namespace {

template <typename Function>
Function* original(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string path_of(int descriptor) {
  char path[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t n = readlink(link.c_str(), path, sizeof path);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : std::string();
}

bool is_watched(const std::string& path) {
  const char* folder = std::getenv("TL_DISK_FOLDER");
  return folder != nullptr && path.compare(0, std::strlen(folder), folder) == 0;
}

void log(const char* what, const std::string& path) {
  const char* file = std::getenv("TL_DISK_LOG");
  if (file == nullptr) return;
  std::FILE* stream = std::fopen(file, "a");
  std::fprintf(stream, "%s %s\n", what, path.c_str());
  std::fclose(stream);
}

// True: it is done no more, since the disk is full.
bool counts(const char* what, int descriptor) {
  static long done = 0;
  const int before = errno;
  const std::string path = path_of(descriptor);
  bool full = false;
  if (is_watched(path)) {
    const char* allowed = std::getenv("TL_DISK_OPERATIONS");
    full = allowed != nullptr && done++ >= std::atol(allowed);
    log(what, path);
  }
  errno = full ? ENOSPC : before;
  return full;
}

}  // namespace

extern "C" ssize_t write(int descriptor, const void* data, std::size_t size) {
  static const auto next = original(&::write, "write");
  return counts("write", descriptor) ? -1 : next(descriptor, data, size);
}

extern "C" int fsync(int descriptor) {
  static const auto next = original(&::fsync, "fsync");
  return counts("sync", descriptor) ? -1 : next(descriptor);
}

extern "C" int rename(const char* from, const char* to) {
  static const auto next = original(&::rename, "rename");
  if (is_watched(from)) log("rename", from);
  return next(from, to);
}
