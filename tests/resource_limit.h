// A process that may have less of something than it could, as long as these live.
#pragma once

#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

// A sanitizer takes address space for itself.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TL_MEMORY_CAN_BE_LIMITED
#endif

class ResourceLimit {
 public:
  ResourceLimit(decltype(RLIMIT_AS) resource, rlim_t value) : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit limited{value, before_.rlim_max};
    setrlimit(resource_, &limited);
  }
  ResourceLimit(const ResourceLimit&) = delete;
  ResourceLimit& operator=(const ResourceLimit&) = delete;
  ~ResourceLimit() { setrlimit(resource_, &before_); }

 private:
  decltype(RLIMIT_AS) resource_;
  rlimit before_{};
};

// `left`: so many files may still be opened, but for small numbers that are free again.
inline ResourceLimit no_more_files(rlim_t left = 0) {
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  return {RLIMIT_NOFILE, static_cast<rlim_t>(next) + left};
}

// The address space may grow by so many bytes and no more.
inline ResourceLimit little_memory(std::size_t bytes) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return {RLIMIT_AS, pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + bytes};
}
