// Random numbers that are the same on every machine (those of <random>'s distributions are not)
// and that are addressed by a key instead of drawn from one long stream, so that they do not depend
// on the order or the number of threads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace tl {

// SplitMix64 (Steele, Lea, Flood 2014), keyed: Random({seed, epoch, sample}) always gives the same
// stream, and different keys give independent ones.
class Random {
 public:
  explicit Random(std::initializer_list<std::uint64_t> key);

  std::uint64_t next();
  // Uniform in [0, 1).
  double uniform();
  // Uniform in [low, high).
  double uniform(double low, double high);
  // Uniform in 0 .. n-1; n > 0.
  std::uint64_t below(std::uint64_t n);
  // Standard normal (Box-Muller).
  double normal();
  bool chance(double probability) { return uniform() < probability; }

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace tl
