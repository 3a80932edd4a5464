#include "tl/data/faults.h"

#include "tl/base/text.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace tl {
namespace {

constexpr std::size_t most_examples = 3;
// A few copies change no result; above this share they tell of a mistake in collecting the images.
constexpr double many_copies = 0.01;
// With fewer, a head learns the pictures and not the class.
constexpr std::int64_t fewest_to_learn = 4;
// By one image, a class is judged either all right or all wrong.
constexpr std::int64_t fewest_to_judge = 2;
// Of two such classes, who always answers the large one is right ten times in eleven: the loss
// hardly sees the small one.
constexpr std::int64_t heavy_imbalance = 10;
// Enlarged by more, an image has no more than a quarter of the pixels that the network looks at.
constexpr int most_enlarged = 2;

constexpr Split all_splits[] = {Split::train, Split::val, Split::test};

using Group = std::vector<std::size_t>;  // samples that are alike
using Faults = std::vector<Fault>;

// Groups of two or more samples of known content whose keys are equal.
template <typename Key>
std::vector<Group> alike(const std::vector<Sample>& samples, Key key) {
  Group order;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].content != Digest{}) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return key(samples[a]) < key(samples[b]); });
  std::vector<Group> groups;
  for (auto first = order.begin(); first != order.end();) {
    const auto last = std::find_if(
        first, order.end(), [&](std::size_t i) { return key(samples[i]) != key(samples[*first]); });
    if (last - first > 1) groups.emplace_back(first, last);
    first = last;
  }
  return groups;
}

std::string are(std::int64_t n) {
  return n == 1 ? " is " : " are ";
}

std::string images_of(std::int64_t n, std::size_t all) {
  return str(thousands(n), " of ", count(static_cast<std::int64_t>(all), "image"));
}

// Groups that lie in several places (splits or classes), as `place` tells of a sample.
template <typename Place>
void find_shared(const Dataset& dataset, const std::vector<Group>& groups, Place place, Fault fault,
                 Faults& faults) {
  std::int64_t n = 0;
  for (const Group& group : groups) {
    std::set<int> places;
    std::vector<std::string> examples;
    for (const std::size_t i : group) {
      if (places.insert(place(dataset.samples[i])).second && examples.size() < most_examples) {
        examples.push_back(dataset.samples[i].path);
      }
    }
    if (places.size() > 1 && ++n == 1) fault.paths = std::move(examples);
  }
  if (n == 0) return;
  fault.message = str(count(n, "image"), are(n), fault.message);
  faults.push_back(std::move(fault));
}

void find_repeated(const Dataset& dataset, Faults& faults) {
  const auto groups = alike(dataset.samples, [](const Sample& sample) {
    return std::tuple(sample.content, sample.label, sample.split);
  });
  std::int64_t copies = 0;
  for (const Group& group : groups)
    copies += std::ssize(group) - 1;
  const std::size_t all = dataset.samples.size();
  if (static_cast<double>(copies) <= many_copies * static_cast<double>(all)) return;
  Fault fault{"repeated", "", {}};
  fault.message =
      str(images_of(copies, all), copies == 1 ? " repeats" : " repeat",
          " another one of the same class and split, which counts more for it: keep one of each");
  for (std::size_t i = 0; i < std::min(groups[0].size(), most_examples); ++i)
    fault.paths.push_back(dataset.samples[groups[0][i]].path);
  faults.push_back(std::move(fault));
}

std::string first_classes(const Dataset& dataset, const std::vector<std::size_t>& labels) {
  std::string text;
  for (std::size_t i = 0; i < std::min(labels.size(), most_examples); ++i)
    text += str(i == 0 ? "" : ", ", dataset.classes[labels[i]]);
  return labels.size() > most_examples ? text + ", ..." : text;
}

// The first image of each of the first few classes.
std::vector<std::string> paths_of(const Dataset& dataset, std::vector<std::size_t> labels) {
  labels.resize(std::min(labels.size(), most_examples));
  std::vector<std::string> paths;
  for (const std::size_t label : labels) {
    const auto found =
        std::find_if(dataset.samples.begin(), dataset.samples.end(),
                     [&](const Sample& sample) { return sample.label == static_cast<int>(label); });
    if (found != dataset.samples.end()) paths.push_back(found->path);
  }
  return paths;
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

// Labels of classes that have a count of at least `from` and below `to(split)` in some split.
template <typename Limit>
std::vector<std::size_t> classes_with(const Counts& counts, std::size_t classes, std::int64_t from,
                                      Limit to) {
  std::vector<std::size_t> labels;
  for (std::size_t label = 0; label < classes; ++label) {
    const bool found = std::any_of(counts.begin(), counts.end(), [&](const auto& of_split) {
      const auto& [split, n] = of_split;
      return n[label] >= from && n[label] < to(split);
    });
    if (found) labels.push_back(label);
  }
  return labels;
}

void find_small_classes(const Dataset& dataset, const Counts& counts, Faults& faults) {
  const auto absent =
      classes_with(counts, dataset.classes.size(), 0, [](Split) { return std::int64_t{1}; });
  if (!absent.empty()) {
    faults.push_back(
        {"absent_class",
         str(count(std::ssize(absent), "class", "classes"), " without an image in some split (",
             first_classes(dataset, absent), "): put images of every class into every split"),
         paths_of(dataset, absent)});
  }
  const auto few = classes_with(counts, dataset.classes.size(), 1, [](Split split) {
    return split == Split::train ? fewest_to_learn : fewest_to_judge;
  });
  if (few.empty()) return;
  faults.push_back(
      {"few_images",
       str(count(std::ssize(few), "class", "classes"), " with fewer than ", fewest_to_learn,
           " images in train, or than ", fewest_to_judge, " in val or test (",
           first_classes(dataset, few), "): add images, or leave the class out"),
       paths_of(dataset, few)});
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
  faults.push_back(
      {"imbalance",
       str("the classes are of very different sizes, from ", count(n[*smallest], "training image"),
           " (", dataset.classes[*smallest], ") to ", thousands(n[*largest]), " (",
           dataset.classes[*largest],
           "): add images of the small ones, or set train.loss.class_weights to ", "\"balanced\""),
       paths_of(dataset, {*smallest, *largest})});
}

void find_small_images(const Dataset& dataset, const InputSpec& input, Faults& faults) {
  const int wanted = std::min(input.height, input.width);
  Fault fault{"small_images", "", {}};
  std::int64_t n = 0;
  int smallest = wanted;
  for (const Sample& sample : dataset.samples) {
    const int side = std::min(sample.width, sample.height);
    if (side == 0 || side * most_enlarged >= wanted) continue;
    ++n;
    smallest = std::min(smallest, side);
    if (fault.paths.size() < most_examples) fault.paths.push_back(sample.path);
  }
  if (n == 0) return;
  fault.message =
      str(images_of(n, dataset.samples.size()), are(n), "far below the network's ", input.width,
          " x ", input.height, " pixels, down to a shorter side of ", smallest,
          ": use larger images, or a smaller input (backbone.input.input_size)");
  faults.push_back(std::move(fault));
}

}  // namespace

Faults find_faults(const Dataset& dataset, const std::optional<InputSpec>& input) {
  Faults faults;
  const auto groups = alike(dataset.samples, [](const Sample& sample) { return sample.content; });
  find_shared(
      dataset, groups, [](const Sample& sample) { return static_cast<int>(sample.split); },
      {"in_two_splits",
       "in more than one split, so that what was learnt is judged again and the score is too good: "
       "keep one copy of each",
       {}},
      faults);
  find_shared(
      dataset, groups, [](const Sample& sample) { return sample.label; },
      {"in_two_classes",
       "in more than one class, so that one of its labels is wrong: keep each where it belongs",
       {}},
      faults);
  find_repeated(dataset, faults);
  const Counts counts = counts_of(dataset);
  find_small_classes(dataset, counts, faults);
  find_imbalance(dataset, counts, faults);
  if (input) find_small_images(dataset, *input, faults);
  return faults;
}

}  // namespace tl
