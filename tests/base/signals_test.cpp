#include "tl/base/signals.h"

#include "catch.h"

#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

// Runs `action` in a process of its own and gives back how that ended, as waitpid tells it.
template <typename Action>
int status_of_child(Action action) {
  const pid_t child = fork();
  if (child == 0) _exit(action());
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("each of the three signals asks to stop") {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    const int status = status_of_child([signal] {
      tl::install_stop_signals();
      if (tl::stop_requested()) return 1;
      std::raise(signal);
      return tl::stop_requested() ? 0 : 2;
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("a signal that is delivered twice at once is one request") {
  const int status = status_of_child([] {
    tl::install_stop_signals();
    std::raise(SIGTERM);
    std::raise(SIGTERM);
    return tl::stop_requested() ? 0 : 1;
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a later second signal stops at once") {
  const int status = status_of_child([] {
    tl::install_stop_signals();
    std::raise(SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
    std::raise(SIGINT);
    return 0;
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}
