#include "data/class_faults.h"

#include "data/class_names.h"
#include "tl/base/text.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tl {
namespace {

// With fewer, a head learns the pictures and not the class.
constexpr std::int64_t fewest_to_learn = 4;
// By one image, a class is judged either all right or all wrong.
constexpr std::int64_t fewest_to_judge = 2;
// Of two such classes, who always answers the large one is right ten times in eleven: the loss
// hardly sees the small one.
constexpr std::int64_t heavy_imbalance = 10;

constexpr std::size_t most_classes_named = 3;  // in a message

using Faults = std::vector<Fault>;

std::string first_classes(const Dataset& dataset, const std::vector<std::size_t>& labels) {
  std::vector<std::string> names;
  for (const std::size_t label : labels)
    names.push_back(dataset.classes[label]);
  return listed(names, most_classes_named);
}

// first[label]: the first image of each class; "" where it has none.
std::vector<std::string> first_images(const Dataset& dataset) {
  std::vector<std::string> first(dataset.classes.size());
  for (const Sample& sample : dataset.samples) {
    if (first[sample.label].empty()) first[sample.label] = sample.path;
  }
  return first;
}

// Counts of each class by split; a split without any image is left out.
using Counts = std::map<Split, std::vector<std::int64_t>>;

Counts counts_of(const Dataset& dataset) {
  Counts counts;
  for (const Split split : all_splits) {
    auto of_split = dataset.class_counts(split);
    const bool holds_any =
        std::any_of(of_split.begin(), of_split.end(), [](auto n) { return n > 0; });
    if (holds_any) counts.emplace(split, std::move(of_split));
  }
  return counts;
}

void find_similar_classes(const Dataset& dataset, Faults& faults) {
  const auto groups = similar_names(dataset.classes);
  if (groups.empty()) return;
  const auto first = first_images(dataset);
  Fault fault{"similar_classes", "", {}};
  for (const auto& group : groups) {
    FaultCase found;
    for (const std::size_t label : group)
      found.paths.push_back(first[label]);
    found.detail = difference(dataset.classes[group[0]], dataset.classes[group[1]]);
    fault.cases.push_back(std::move(found));
  }
  fault.message =
      str("the names of the classes \"", dataset.classes[groups[0][0]], "\" and \"",
          dataset.classes[groups[0][1]], "\" differ only in ", fault.cases[0].detail,
          groups.size() > 1 ? str(", and those of ", groups.size() - 1, " more groups alike") : "",
          ": give each class one name everywhere");
  faults.push_back(std::move(fault));
}

void find_empty_classes(const Dataset& dataset, Faults& faults) {
  const auto& folders = dataset.empty_folders;
  if (folders.empty()) return;
  Fault fault{"empty_class",
              str(count(std::ssize(folders), "class folder"), " without any file (",
                  listed(folders, most_classes_named), "): put images in, or remove the folder"),
              {}};
  for (const std::string& folder : folders)
    fault.cases.push_back({{folder}, "no file"});
  faults.push_back(std::move(fault));
}

// A class and the splits where it has at least `from` images and fewer than `to(split)`.
struct Shortage {
  std::size_t label;
  std::string where;  // "1 image in val, 2 images in test"
};

template <typename Limit>
std::vector<Shortage> shortages(const Counts& counts, std::size_t classes, std::int64_t from,
                                Limit to) {
  std::vector<Shortage> found;
  for (std::size_t label = 0; label < classes; ++label) {
    std::string where;
    for (const auto& [split, n] : counts) {
      if (n[label] < from || n[label] >= to(split)) continue;
      where += str(where.empty() ? "" : ", ", count(n[label], "image"), " in ", split_name(split));
    }
    if (!where.empty()) found.push_back({label, where});
  }
  return found;
}

void add_shortages(const Dataset& dataset, const std::vector<Shortage>& found, Fault fault,
                   const std::string& advice, Faults& faults) {
  if (found.empty()) return;
  const auto first = first_images(dataset);
  std::vector<std::size_t> labels;
  for (const Shortage& shortage : found) {
    labels.push_back(shortage.label);
    fault.cases.push_back({{first[shortage.label]}, shortage.where});
  }
  fault.message = str(count(std::ssize(found), "class", "classes"), fault.message, " (",
                      first_classes(dataset, labels), "): ", advice);
  faults.push_back(std::move(fault));
}

void find_small_classes(const Dataset& dataset, const Counts& counts, Faults& faults) {
  const std::size_t classes = dataset.classes.size();
  const auto absent = shortages(counts, classes, 0, [](Split) { return std::int64_t{1}; });
  add_shortages(dataset, absent, {"absent_class", " without an image in some split", {}},
                "put images of every class into every split", faults);
  const auto few = shortages(counts, classes, 1, [](Split split) {
    return split == Split::train ? fewest_to_learn : fewest_to_judge;
  });
  add_shortages(dataset, few,
                {"few_images",
                 str(" with fewer than ", fewest_to_learn, " images in train, or than ",
                     fewest_to_judge, " in val or test"),
                 {}},
                "add images, or leave the class out", faults);
}

void find_imbalance(const Dataset& dataset, const Counts& counts, Faults& faults) {
  const auto train = counts.find(Split::train);
  if (train == counts.end()) return;
  const auto& n = train->second;
  std::vector<std::size_t> present;
  for (std::size_t label = 0; label < n.size(); ++label) {
    if (n[label] > 0) present.push_back(label);
  }
  const auto [smallest, largest] = std::minmax_element(
      present.begin(), present.end(), [&](std::size_t a, std::size_t b) { return n[a] < n[b]; });
  if (n[*largest] < heavy_imbalance * n[*smallest]) return;
  Fault fault{
      "imbalance",
      str("the classes are of very different sizes, from ", count(n[*smallest], "training image"),
          " (", dataset.classes[*smallest], ") to ", thousands(n[*largest]), " (",
          dataset.classes[*largest],
          "): add images of the small ones, or set train.loss.class_weights to ", "\"balanced\""),
      {}};
  const auto first = first_images(dataset);
  for (const std::size_t label : {*smallest, *largest})
    fault.cases.push_back({{first[label]}, count(n[label], "training image")});
  faults.push_back(std::move(fault));
}

}  // namespace

void find_class_faults(const Dataset& dataset, Faults& faults) {
  find_similar_classes(dataset, faults);
  find_empty_classes(dataset, faults);
  const Counts counts = counts_of(dataset);
  find_small_classes(dataset, counts, faults);
  find_imbalance(dataset, counts, faults);
}

}  // namespace tl
