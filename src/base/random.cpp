#include "tl/base/random.h"

#include <cmath>

namespace tl {
namespace {

constexpr std::uint64_t golden_gamma = 0x9E3779B97F4A7C15;
constexpr double two_pi = 6.283185307179586476925;

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

// Starting from the key's length keeps {1} and {1, 0} apart.
Random::Random(std::initializer_list<std::uint64_t> key) : state_(key.size()) {
  for (const std::uint64_t part : key)
    state_ = mix(state_ + golden_gamma + part);
}

std::uint64_t Random::next() {
  return mix(state_ += golden_gamma);
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

double Random::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

std::uint64_t Random::below(std::uint64_t n) {
  const std::uint64_t unfair = -n % n;  // 2^64 mod n values would favour the small results
  std::uint64_t drawn = next();
  while (drawn < unfair)
    drawn = next();
  return drawn % n;
}

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));  // 1 - u is never 0
  return radius * std::cos(two_pi * uniform());
}

}  // namespace tl
