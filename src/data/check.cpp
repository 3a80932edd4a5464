#include "data/check.h"

#include "data/class_names.h"
#include "data/stratify.h"
#include "data/verify.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <algorithm>

namespace tl {
namespace {

// Moves what `verified` says into the dataset.
void keep_usable(Dataset& dataset, const std::vector<Verified>& verified) {
  std::vector<Sample> usable;
  for (std::size_t i = 0; i < verified.size(); ++i) {
    const Verified& image = verified[i];
    Sample& sample = dataset.samples[i];
    if (!image.reason.empty()) {
      dataset.skipped.push_back({sample.path, image.reason});
      continue;
    }
    sample.content = image.content;
    sample.width = image.width;
    sample.height = image.height;
    sample.lacks_end = image.lacks_end;
    usable.push_back(std::move(sample));
  }
  dataset.samples = std::move(usable);
  if (!dataset.samples.empty()) return;
  throw Error(ExitCode::data,
              str("no images found (", count(std::ssize(dataset.skipped), "unusable file"), ")"),
              dataset.root.string(), "put JPEG or PNG files into the class folders");
}

std::vector<Verified> verify(const Dataset& dataset, const CheckOptions& how,
                             const Refuse& refuse = {}) {
  std::vector<std::string> paths;
  for (const Sample& sample : dataset.samples)
    paths.push_back(sample.path);
  return verify_images(dataset.root, paths, how, refuse);
}

// Where the folders don't say it all.
void split_samples(Dataset& dataset, const DataOptions& options, std::uint64_t seed) {
  if (!dataset.has_own_splits) {
    stratify(dataset, options.val, options.test, seed);
  } else if (dataset.draws_val) {
    stratify(dataset, options.val, 0, seed);
  }
}

// Evaluation copes with a class that test lacks.
void require_every_class(const Dataset& dataset, Split split) {
  const auto counts = dataset.class_counts(split);
  const auto empty = std::find(counts.begin(), counts.end(), 0);
  if (empty == counts.end()) return;
  const std::string& absent = dataset.classes[empty - counts.begin()];
  const std::string twin = similar_to(absent, dataset.classes);
  throw Error(ExitCode::data,
              str("class \"", absent, "\" has no usable image in ", split_name(split), "/"),
              dataset.root.string(),
              twin.empty() ? "every class needs images to be trained on and judged by"
                           : str("the class \"", twin, "\" differs from it only in ",
                                 difference(absent, twin), ": give both folders one name"));
}

// Before any is drawn from them.
void require_enough(const Dataset& dataset, const DataOptions& options) {
  const auto counts = dataset.class_counts(Split::train);
  const auto empty = std::find(counts.begin(), counts.end(), 0);
  if (empty != counts.end()) {
    throw Error(ExitCode::data,
                str("class \"", dataset.classes[empty - counts.begin()],
                    "\" has no usable image in its folder"),
                dataset.root.string(), "every class needs images");
  }
  for (std::size_t label = 0; label < counts.size(); ++label) {
    const std::int64_t n = counts[label];
    const std::string& name = dataset.classes[label];
    const std::int64_t val = share_of(options.val, n);
    const std::int64_t test = dataset.draws_val ? 0 : share_of(options.test, n);
    if (val + test < n) continue;
    throw Error(ExitCode::data,
                str("class \"", name, "\" has too few images to be split: ", n, " in all, ", val,
                    " for val and ", test, " for test leave none for train"),
                name, "add images, or make data.val and data.test smaller");
  }
}

}  // namespace

void prove_images(Dataset& dataset, BadImage on_bad_image, const CheckOptions& how) {
  const auto refuse = [&](const std::string& path, const Verified& image) {
    if (image.error) std::rethrow_exception(image.error);
    if (on_bad_image == BadImage::skip) return;
    throw Error(ExitCode::data, str("bad image: ", image.reason), (dataset.root / path).string(),
                "replace or remove it, or set data.on_bad_image to \"skip\"");
  };
  keep_usable(dataset, verify(dataset, how, refuse));
}

void check_dataset(Dataset& dataset, const DataOptions& options, std::uint64_t seed,
                   const CheckOptions& how) {
  prove_images(dataset, options.on_bad_image, how);
  if (!dataset.has_own_splits || dataset.draws_val) require_enough(dataset, options);
  split_samples(dataset, options, seed);
  if (!dataset.has_own_splits) return;
  require_every_class(dataset, Split::train);
  if (!dataset.draws_val) require_every_class(dataset, Split::val);
}

Dataset inspect_dataset(const DataOptions& options, std::uint64_t seed, const CheckOptions& how) {
  Dataset dataset = list_dataset(options);
  keep_usable(dataset, verify(dataset, how));
  split_samples(dataset, options, seed);
  return dataset;
}

}  // namespace tl
