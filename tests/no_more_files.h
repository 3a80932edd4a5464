// A process that may open no further file, as long as this lives.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

class NoMoreFiles {
 public:
  // `left`: so many may still be opened, but for small numbers that are free again.
  explicit NoMoreFiles(rlim_t left = 0) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next) + left, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};
