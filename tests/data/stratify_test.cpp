#include "data/stratify.h"

#include "data/scratch.h"
#include "tl/base/hash.h"

#include <map>
#include <set>

namespace tl {
namespace {

Dataset dataset_of(const std::vector<int>& class_sizes) {
  Dataset dataset;
  std::vector<Sample>& samples = dataset.samples;
  for (int label = 0; label < static_cast<int>(class_sizes.size()); ++label) {
    for (int i = 0; i < class_sizes[label]; ++i) {
      const std::string path = std::to_string(label) + "/" + std::to_string(i);
      samples.push_back({path, label, Split::train, hash64(path), digest(path)});
    }
    dataset.classes.push_back(std::to_string(label));
  }
  return dataset;
}

std::map<Split, int> counts(const Dataset& dataset, int label) {
  std::map<Split, int> found;
  for (const Sample& sample : dataset.samples) {
    if (sample.label == label) ++found[sample.split];
  }
  return found;
}

std::vector<Split> splits(const Dataset& dataset) {
  std::vector<Split> found;
  for (const Sample& sample : dataset.samples)
    found.push_back(sample.split);
  return found;
}

}  // namespace

TEST_CASE("each class gives its share to val and test") {
  Dataset dataset = dataset_of({100, 33});
  stratify(dataset, 0.15, 0.2, 1);
  CHECK(counts(dataset, 0) ==
        std::map<Split, int>{{Split::train, 65}, {Split::val, 15}, {Split::test, 20}});
  CHECK(counts(dataset, 1) ==
        std::map<Split, int>{{Split::train, 21}, {Split::val, 5}, {Split::test, 7}});
}

TEST_CASE("a small class still gives one image to each split that is asked for") {
  Dataset dataset = dataset_of({3, 2});
  stratify(dataset, 0.15, 0.0, 1);
  CHECK(counts(dataset, 0) == std::map<Split, int>{{Split::train, 2}, {Split::val, 1}});
  CHECK(counts(dataset, 1) == std::map<Split, int>{{Split::train, 1}, {Split::val, 1}});
}

TEST_CASE("one image at least stays for training") {
  Dataset dataset = dataset_of({2, 1});
  stratify(dataset, 0.5, 0.5, 1);
  CHECK(counts(dataset, 0)[Split::train] == 1);
  CHECK(counts(dataset, 1)[Split::train] == 1);
}

TEST_CASE("the split depends on seed and path alone") {
  Dataset dataset = dataset_of({40, 40});
  Dataset reversed = dataset;
  std::reverse(reversed.samples.begin(), reversed.samples.end());
  Dataset other_seed = dataset;
  stratify(dataset, 0.25, 0.25, 1);
  stratify(reversed, 0.25, 0.25, 1);
  stratify(other_seed, 0.25, 0.25, 2);
  std::reverse(reversed.samples.begin(), reversed.samples.end());
  CHECK(splits(dataset) == splits(reversed));
  CHECK(splits(dataset) != splits(other_seed));
}

TEST_CASE("copies of an image stay in one split, in any order of the samples") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    Dataset dataset = dataset_of({60, 60});
    for (std::size_t i = 0; i < 60; ++i)  // pairs and threes
      dataset.samples[i].content = digest(std::to_string(i % 24));
    Dataset reversed = dataset;
    std::reverse(reversed.samples.begin(), reversed.samples.end());
    stratify(dataset, 0.2, 0.2, seed);
    stratify(reversed, 0.2, 0.2, seed);
    std::reverse(reversed.samples.begin(), reversed.samples.end());
    CHECK(splits(dataset) == splits(reversed));
    std::map<Digest, std::set<Split>> found;
    for (const Sample& sample : dataset.samples)
      found[sample.content].insert(sample.split);
    for (const auto& [content, where] : found)
      CHECK(where.size() == 1);
    CHECK(counts(dataset, 0)[Split::test] >= 10);
    CHECK(counts(dataset, 0)[Split::val] >= 10);
  }
}

TEST_CASE("a copy moves no other class, and without copies nothing moves") {
  Dataset plain = dataset_of({40, 40});
  Dataset unknown = plain;
  for (Sample& sample : unknown.samples)
    sample.content = {};
  Dataset copied = plain;
  copied.samples[3].content = copied.samples[7].content;
  for (Dataset* dataset : {&plain, &unknown, &copied})
    stratify(*dataset, 0.2, 0.2, 1);
  CHECK(splits(plain) == splits(unknown));
  for (std::size_t i = 40; i < 80; ++i)
    CHECK(plain.samples[i].split == copied.samples[i].split);
}

TEST_CASE("an image that lies in two classes is in one split, and no class runs empty for it") {
  Dataset dataset = dataset_of({20, 4});
  for (std::size_t i = 0; i < 4; ++i)
    dataset.samples[20 + i].content = dataset.samples[i].content;
  stratify(dataset, 0.25, 0.25, 1);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(dataset.samples[i].split == dataset.samples[20 + i].split);
  CHECK(counts(dataset, 0)[Split::train] == 10);
  CHECK(counts(dataset, 1)[Split::train] >= 2);
}

TEST_CASE("val is drawn from train alone where test is there") {
  Dataset dataset = dataset_of({20, 20});
  for (std::size_t i = 0; i < 40; i += 4)
    dataset.samples[i].split = Split::test;
  stratify(dataset, 0.2, 0, 1);
  for (const int label : {0, 1}) {
    CHECK(counts(dataset, label)[Split::test] == 5);
    CHECK(counts(dataset, label)[Split::val] == 3);
  }
}

}  // namespace tl
