#include "data/stratify.h"

#include "data/scratch.h"
#include "tl/base/hash.h"

#include <map>

namespace tl {
namespace {

using test::caught;
using test::has;

std::vector<Sample> samples_of(const std::vector<int>& class_sizes) {
  std::vector<Sample> samples;
  for (int label = 0; label < static_cast<int>(class_sizes.size()); ++label) {
    for (int i = 0; i < class_sizes[label]; ++i) {
      const std::string path = std::to_string(label) + "/" + std::to_string(i);
      samples.push_back({path, label, Split::train, hash64(path)});
    }
  }
  return samples;
}

std::map<Split, int> counts(const std::vector<Sample>& samples, int label) {
  std::map<Split, int> found;
  for (const Sample& sample : samples) {
    if (sample.label == label) ++found[sample.split];
  }
  return found;
}

std::vector<Split> splits(const std::vector<Sample>& samples) {
  std::vector<Split> found;
  for (const Sample& sample : samples)
    found.push_back(sample.split);
  return found;
}

}  // namespace

TEST_CASE("each class gives its share to val and test") {
  auto samples = samples_of({100, 33});
  stratify(samples, {"a", "b"}, 0.15, 0.2, 1);
  CHECK(counts(samples, 0) ==
        std::map<Split, int>{{Split::train, 65}, {Split::val, 15}, {Split::test, 20}});
  CHECK(counts(samples, 1) ==
        std::map<Split, int>{{Split::train, 21}, {Split::val, 5}, {Split::test, 7}});
}

TEST_CASE("a small class still gives one image to each split that is asked for") {
  auto samples = samples_of({3, 2});
  CHECK_THROWS_AS(stratify(samples, {"a", "b"}, 0.15, 0.15, 1), Error);
  stratify(samples, {"a", "b"}, 0.15, 0.0, 1);
  CHECK(counts(samples, 0) == std::map<Split, int>{{Split::train, 2}, {Split::val, 1}});
  CHECK(counts(samples, 1) == std::map<Split, int>{{Split::train, 1}, {Split::val, 1}});
}

TEST_CASE("a class too small to be split is an error that names it") {
  auto samples = samples_of({50, 2});
  const Error error = caught([&] { stratify(samples, {"ants", "bees"}, 0.1, 0.1, 1); });
  CHECK(error.code() == ExitCode::data);
  CHECK(has(error.what(), "bees"));
}

TEST_CASE("the split depends on seed and path alone") {
  auto samples = samples_of({40, 40});
  auto reversed = samples;
  std::reverse(reversed.begin(), reversed.end());
  auto other_seed = samples;
  stratify(samples, {"a", "b"}, 0.25, 0.25, 1);
  stratify(reversed, {"a", "b"}, 0.25, 0.25, 1);
  stratify(other_seed, {"a", "b"}, 0.25, 0.25, 2);
  std::reverse(reversed.begin(), reversed.end());
  CHECK(splits(samples) == splits(reversed));
  CHECK(splits(samples) != splits(other_seed));
}

}  // namespace tl
