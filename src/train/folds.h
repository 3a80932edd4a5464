// Which rows are held out together when a choice is made by cross-validation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tl {

// What is dealt out: labels and groups of the rows, of the same length. Rows of one group (views or
// copies of an image, images of a patient) stay together.
struct GroupedLabels {
  std::vector<int> labels;          // from 0
  std::vector<std::size_t> groups;  // any numbers
};

constexpr int cross_validation_folds = 5;
// With more rows, one part that is held out says enough.
constexpr std::size_t most_cross_validated = 20000;

// The fold of each row, 0 to `folds` - 1, so that each fold has about the same share of each class;
// the same on every machine. -1: in no fold, since the class has no other group to be learnt from.
std::vector<int> deal_folds(const GroupedLabels& rows, int folds, std::uint64_t seed);

// Five folds; of more than 20,000 rows, one fold of a tenth of them.
std::vector<int> usual_folds(const GroupedLabels& rows, std::uint64_t seed);

}  // namespace tl
