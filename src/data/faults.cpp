#include "tl/data/faults.h"

#include "data/class_faults.h"
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
// Enlarged by more, an image has no more than a quarter of the pixels that the network looks at.
constexpr int most_enlarged = 2;

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

FaultCase case_of(const Dataset& dataset, const Group& group) {
  FaultCase found;
  for (const std::size_t i : group)
    found.paths.push_back(dataset.samples[i].path);
  return found;
}

// Groups that lie in several places (splits or classes), as `place` tells of a sample.
template <typename Place>
void find_shared(const Dataset& dataset, const std::vector<Group>& groups, Place place, Fault fault,
                 Faults& faults) {
  for (const Group& group : groups) {
    std::set<int> places;
    for (const std::size_t i : group)
      places.insert(place(dataset.samples[i]));
    if (places.size() > 1) fault.cases.push_back(case_of(dataset, group));
  }
  const std::int64_t n = std::ssize(fault.cases);
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
  for (const Group& group : groups)
    fault.cases.push_back(case_of(dataset, group));
  faults.push_back(std::move(fault));
}

void find_unended(const Dataset& dataset, Faults& faults) {
  Fault fault{"no_end_mark", "", {}};
  for (const Sample& sample : dataset.samples) {
    if (sample.lacks_end) fault.cases.push_back({{sample.path}, ""});
  }
  const std::int64_t n = std::ssize(fault.cases);
  if (n == 0) return;
  fault.message =
      str(count(n, "JPEG lacks its end mark and is", "JPEGs lack their end mark and are"),
          " used as they are: where they were cut on their way here, copy them anew");
  faults.push_back(std::move(fault));
}

void find_small_images(const Dataset& dataset, const InputSpec& input, Faults& faults) {
  const int wanted = std::min(input.height, input.width);
  Fault fault{"small_images", "", {}};
  int smallest = wanted;
  for (const Sample& sample : dataset.samples) {
    const int side = std::min(sample.width, sample.height);
    if (side == 0 || side * most_enlarged >= wanted) continue;
    smallest = std::min(smallest, side);
    fault.cases.push_back({{sample.path}, str(sample.width, " x ", sample.height, " pixels")});
  }
  const std::int64_t n = std::ssize(fault.cases);
  if (n == 0) return;
  fault.message =
      str(images_of(n, dataset.samples.size()), are(n), "far below the network's ", input.width,
          " x ", input.height, " pixels, down to a shorter side of ", smallest,
          ": use larger images, or a smaller input (backbone.input.input_size)");
  faults.push_back(std::move(fault));
}

}  // namespace

std::vector<std::string> Fault::examples() const {
  std::vector<std::string> paths;
  for (const FaultCase& found : cases) {
    if (found.paths.size() > 1 && !paths.empty()) break;  // one group of copies is enough
    for (const std::string& path : found.paths) {
      if (paths.size() < most_examples) paths.push_back(path);
    }
  }
  return paths;
}

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
  find_class_faults(dataset, faults);
  find_unended(dataset, faults);
  if (input) find_small_images(dataset, *input, faults);
  return faults;
}

}  // namespace tl
