#include "train/folds.h"

#include "catch.h"

#include <algorithm>
#include <map>
#include <set>

using namespace tl;

namespace {

// `images` of each of two classes, three rows (views) each.
GroupedLabels views(std::size_t images) {
  GroupedLabels rows;
  for (std::size_t image = 0; image < 2 * images; ++image) {
    for (int view = 0; view < 3; ++view) {
      rows.labels.push_back(image < images ? 0 : 1);
      rows.groups.push_back(image);
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("a group is in one fold, and each fold has its share of each class") {
  const GroupedLabels rows = views(50);
  const std::vector<int> folds = deal_folds(rows, 5, 1);
  std::map<std::size_t, std::set<int>> folds_of_group;
  std::map<std::pair<int, int>, int> sizes;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    folds_of_group[rows.groups[i]].insert(folds[i]);
    ++sizes[{folds[i], rows.labels[i]}];
  }
  for (const auto& [group, of_group] : folds_of_group)
    CHECK(of_group.size() == 1);
  CHECK(sizes.size() == 10);
  for (const auto& [which, size] : sizes)
    CHECK(size == 30);
}

TEST_CASE("folds follow from the seed") {
  const GroupedLabels rows = views(20);
  CHECK(deal_folds(rows, 5, 1) == deal_folds(rows, 5, 1));
  CHECK(deal_folds(rows, 5, 1) != deal_folds(rows, 5, 2));
}

TEST_CASE("a class of one group is only learnt from") {
  GroupedLabels rows = views(10);
  rows.labels.insert(rows.labels.end(), {2, 2});
  rows.groups.insert(rows.groups.end(), {100, 100});
  const std::vector<int> folds = deal_folds(rows, 5, 1);
  CHECK(folds[60] == -1);
  CHECK(folds[61] == -1);
  CHECK(std::count(folds.begin(), folds.end(), -1) == 2);
}

TEST_CASE("large and small groups share the folds evenly") {
  GroupedLabels rows;
  for (std::size_t group = 0; group < 20; ++group) {
    for (std::size_t i = 0; i < 1 + group % 7; ++i) {
      rows.labels.push_back(0);
      rows.groups.push_back(group);
    }
  }
  std::map<int, int> sizes;
  for (const int fold : deal_folds(rows, 5, 3))
    ++sizes[fold];
  for (const auto& [fold, size] : sizes)
    CHECK(std::abs(size - static_cast<int>(rows.labels.size()) / 5) <= 1);
}

TEST_CASE("of many rows a tenth is held out once") {
  GroupedLabels rows;
  for (std::size_t i = 0; i < 30000; ++i) {
    rows.labels.push_back(static_cast<int>(i % 3));
    rows.groups.push_back(i);
  }
  const std::vector<int> folds = usual_folds(rows, 1);
  CHECK(std::count(folds.begin(), folds.end(), 0) == 3000);
  CHECK(std::count(folds.begin(), folds.end(), -1) == 27000);
  rows.labels.resize(20000);
  rows.groups.resize(20000);
  const std::vector<int> five = usual_folds(rows, 1);
  CHECK(*std::max_element(five.begin(), five.end()) == 4);
}
