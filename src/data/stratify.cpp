#include "data/stratify.h"

#include "tl/base/error.h"
#include "tl/base/random.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace tl {
namespace {

std::size_t share(double fraction, std::size_t n) {
  if (fraction <= 0) return 0;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(fraction * n)));
}

void split_class(std::vector<Sample*>& samples, const std::string& class_name, double val,
                 double test, std::uint64_t seed) {
  const std::size_t n = samples.size();
  const std::size_t n_val = share(val, n);
  const std::size_t n_test = share(test, n);
  if (n_val + n_test >= n) {
    throw Error(ExitCode::data,
                str("class \"", class_name, "\" has too few images to be split: ", n, " in all, ",
                    n_val, " for val and ", n_test, " for test leave none for train"),
                class_name, "add images, or make data.val and data.test smaller");
  }
  const auto key = [seed](const Sample* sample) {
    return std::tuple(Random({seed, sample->id}).next(), std::string_view(sample->path));
  };
  std::sort(samples.begin(), samples.end(),
            [&](const Sample* a, const Sample* b) { return key(a) < key(b); });
  for (std::size_t i = 0; i < n; ++i) {
    samples[i]->split = i < n_test ? Split::test : i < n_test + n_val ? Split::val : Split::train;
  }
}

}  // namespace

void stratify(std::vector<Sample>& samples, const std::vector<std::string>& classes, double val,
              double test, std::uint64_t seed) {
  std::vector<std::vector<Sample*>> by_class(classes.size());
  for (Sample& sample : samples)
    by_class[sample.label].push_back(&sample);
  for (std::size_t label = 0; label < classes.size(); ++label) {
    split_class(by_class[label], classes[label], val, test, seed);
  }
}

}  // namespace tl
