#include "tl/base/signals.h"

#include <atomic>
#include <csignal>
#include <ctime>
#include <initializer_list>

namespace tl {
namespace {

std::atomic<std::time_t> stop_second{0};  // when the first signal came; 0: none came
static_assert(std::atomic<std::time_t>::is_always_lock_free, "a signal handler must not lock");

std::time_t now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return time.tv_sec + 1;  // never 0
}

// timeout(1) and process managers send a signal to the process and to its group, so that it arrives
// twice at the same moment: those two are one request.
void on_signal(int signal) {
  std::time_t first = 0;
  if (stop_second.compare_exchange_strong(first, now()) || now() - first < 2) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

void install_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1})
    sigaction(signal, &action, nullptr);
}

bool stop_requested() {
  return stop_second != 0;
}

}  // namespace tl
