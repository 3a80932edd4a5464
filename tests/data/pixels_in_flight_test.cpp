#include "data/pixels_in_flight.h"

#include "catch.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace tl {
namespace {

constexpr std::uint64_t all = std::uint64_t{1} << 28;

// The most threads that held so many pixels at one time, of 8.
int most_at_once(std::uint64_t pixels) {
  std::atomic<int> now = 0, most = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const PixelsInFlight in_flight(pixels);
        const int holding = ++now;
        for (int before = most; before < holding && !most.compare_exchange_weak(before, holding);) {
        }
        std::this_thread::yield();
        --now;
      }
    });
  }
  threads.clear();
  return most;
}

}  // namespace

TEST_CASE("pixels wait until there is room for them, and the largest image is alone") {
  CHECK(most_at_once(all) == 1);
  CHECK(most_at_once(10 * all) == 1);
  CHECK(most_at_once(all / 3) <= 3);
  CHECK(most_at_once(0) <= 8);
}

}  // namespace tl
