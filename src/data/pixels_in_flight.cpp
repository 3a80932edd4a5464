#include "data/pixels_in_flight.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace tl {
namespace {

constexpr std::uint64_t all_pixels = std::uint64_t{1} << 28;

struct Budget {
  std::mutex mutex;
  std::condition_variable freed;
  std::uint64_t left = all_pixels;
};

Budget& budget() {
  static Budget& one = *new Budget;  // threads may work until the process is gone
  return one;
}

}  // namespace

PixelsInFlight::PixelsInFlight(std::uint64_t pixels) : pixels_(std::min(pixels, all_pixels)) {
  std::unique_lock lock(budget().mutex);
  budget().freed.wait(lock, [&] { return budget().left >= pixels_; });
  budget().left -= pixels_;
}

PixelsInFlight::~PixelsInFlight() {
  {
    const std::lock_guard lock(budget().mutex);
    budget().left += pixels_;
  }
  budget().freed.notify_all();
}

}  // namespace tl
