#include "tl/base/random.h"

#include "catch.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

using tl::Random;

TEST_CASE("a key always gives the same stream, another key another one") {
  Random a({1, 2, 3});
  Random b({1, 2, 3});
  for (int i = 0; i < 10; ++i)
    CHECK(a.next() == b.next());

  const std::set<std::uint64_t> firsts = {Random({1, 2}).next(), Random({2, 1}).next(),
                                          Random({1}).next(),    Random({1, 0}).next(),
                                          Random({0, 1}).next(), Random({0}).next()};
  CHECK(firsts.size() == 6);
}

// With no key the state starts at 0, and these are the published first outputs of SplitMix64.
TEST_CASE("the generator is SplitMix64") {
  Random random({});
  CHECK(random.next() == 0xE220A8397B1DCDAF);
  CHECK(random.next() == 0x6E789E6AA1B965F4);
  CHECK(random.next() == 0x06C45D188009454F);
}

TEST_CASE("streams of neighbouring keys are not correlated") {
  const int n = 20'000;
  double product = 0.0;
  for (std::uint64_t i = 0; i < n; ++i) {
    product += (Random({7, i}).uniform() - 0.5) * (Random({7, i + 1}).uniform() - 0.5);
  }
  CHECK(std::abs(product / n) < 4.0 / 12.0 / std::sqrt(n));  // four standard errors
}

TEST_CASE("uniform numbers fill their range evenly") {
  Random random({11});
  const int n = 20'000;
  double sum = 0.0;
  double low = 1.0;
  double high = 0.0;
  for (int i = 0; i < n; ++i) {
    const double x = random.uniform();
    sum += x;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  CHECK(low >= 0.0);
  CHECK(low < 0.001);
  CHECK(high < 1.0);
  CHECK(high > 0.999);
  CHECK(sum / n == Approx(0.5).margin(4.0 / std::sqrt(12.0 * n)));
  const double scaled = random.uniform(-3.0, -2.0);
  CHECK(scaled >= -3.0);
  CHECK(scaled < -2.0);
}

TEST_CASE("below reaches every value about as often") {
  Random random({5});
  std::vector<int> seen(7);
  for (int i = 0; i < 70'000; ++i)
    ++seen.at(random.below(7));
  for (const int n : seen)
    CHECK(n == Approx(10'000).margin(400));
  CHECK(random.below(1) == 0);
}

TEST_CASE("normal numbers have mean 0 and variance 1") {
  Random random({3});
  const int n = 50'000;
  double sum = 0.0;
  double squares = 0.0;
  int beyond = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
    beyond += std::abs(x) > 1.96 ? 1 : 0;
  }
  CHECK(sum / n == Approx(0.0).margin(0.02));
  CHECK(squares / n == Approx(1.0).margin(0.03));
  CHECK(static_cast<double>(beyond) / n == Approx(0.05).margin(0.005));
}

TEST_CASE("chance hits with its probability") {
  Random random({9});
  int hits = 0;
  for (int i = 0; i < 10'000; ++i)
    hits += random.chance(0.3) ? 1 : 0;
  CHECK(hits == Approx(3000).margin(200));
  CHECK_FALSE(random.chance(0.0));
  CHECK(random.chance(1.0));
}

TEST_CASE("shuffle keeps every item and every place is likely") {
  std::vector<int> first_items(4);
  for (std::uint64_t i = 0; i < 4000; ++i) {
    std::vector<int> items = {0, 1, 2, 3};
    Random({i}).shuffle(items);
    ++first_items.at(static_cast<std::size_t>(items[0]));
    std::sort(items.begin(), items.end());
    REQUIRE(items == std::vector<int>{0, 1, 2, 3});
  }
  for (const int n : first_items)
    CHECK(n == Approx(1000).margin(120));
}
