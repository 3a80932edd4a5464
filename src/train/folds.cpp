#include "train/folds.h"

#include "tl/base/random.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace tl {
namespace {

struct Group {
  std::vector<std::size_t> rows;
  int label = 0;  // of the first row
  std::uint64_t key = 0;
};

std::vector<Group> groups_of(const GroupedLabels& rows, std::uint64_t seed) {
  std::map<std::size_t, Group> by_number;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    Group& group = by_number[rows.groups[i]];
    if (group.rows.empty()) group.label = rows.labels[i];
    group.rows.push_back(i);
  }
  std::vector<Group> groups;
  for (auto& [number, group] : by_number) {
    group.key = Random({seed, number}).next();
    groups.push_back(std::move(group));
  }
  // The largest first, while every fold has room for them.
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return std::tuple(b.rows.size(), a.key, a.rows[0]) <
           std::tuple(a.rows.size(), b.key, b.rows[0]);
  });
  return groups;
}

}  // namespace

std::vector<int> deal_folds(const GroupedLabels& rows, int folds, std::uint64_t seed) {
  const std::vector<Group> groups = groups_of(rows, seed);
  std::map<int, int> groups_of_label;
  for (const Group& group : groups)
    ++groups_of_label[group.label];

  std::vector<int> fold_of(rows.labels.size(), -1);
  std::vector<std::size_t> sizes(folds, 0);
  std::map<int, std::vector<std::size_t>> sizes_of_label;
  for (const Group& group : groups) {
    if (groups_of_label[group.label] < 2) continue;
    auto& of_label = sizes_of_label.try_emplace(group.label, folds, 0).first->second;
    int least = 0;
    for (int fold = 1; fold < folds; ++fold) {
      if (std::tie(of_label[fold], sizes[fold]) < std::tie(of_label[least], sizes[least]))
        least = fold;
    }
    for (const std::size_t row : group.rows)
      fold_of[row] = least;
    of_label[least] += group.rows.size();
    sizes[least] += group.rows.size();
  }
  return fold_of;
}

std::vector<int> usual_folds(const GroupedLabels& rows, std::uint64_t seed) {
  if (rows.labels.size() <= most_cross_validated) {
    return deal_folds(rows, cross_validation_folds, seed);
  }
  std::vector<int> fold_of = deal_folds(rows, 10, seed);
  for (int& fold : fold_of)
    fold = fold == 0 ? 0 : -1;
  return fold_of;
}

}  // namespace tl
