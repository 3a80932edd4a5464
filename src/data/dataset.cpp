#include "tl/data/dataset.h"

#include "data/listing.h"
#include "data/stratify.h"
#include "data/verify.h"
#include "tl/base/error.h"
#include "tl/base/hash.h"
#include "tl/base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace tl {
namespace {

namespace fs = std::filesystem;
using Progress = std::function<void(std::size_t, std::size_t)>;

constexpr Split all_splits[] = {Split::train, Split::val, Split::test};

bool contains(const std::vector<std::string>& names, const std::string& wanted) {
  return std::find(names.begin(), names.end(), wanted) != names.end();
}

std::vector<ListedFile> list_splits(const fs::path& root, const std::vector<Split>& splits) {
  std::vector<ListedFile> files;
  for (const Split split : splits) {
    const auto part = list_classes(root, name(split), split);
    files.insert(files.end(), part.begin(), part.end());
  }
  return files;
}

// The splits that are folders of their own directly under the root.
std::vector<Split> own_splits(const std::vector<std::string>& folders) {
  std::vector<Split> splits;
  for (const Split split : all_splits) {
    if (contains(folders, name(split))) splits.push_back(split);
  }
  return splits;
}

void require_classes(const Dataset& dataset) {
  if (dataset.classes.size() > 1) return;
  const std::string found = dataset.classes.empty() ? "none" : "only " + dataset.classes[0];
  throw Error(ExitCode::data,
              str("at least two class folders with images are needed, found ", found),
              dataset.root.string(), "make one folder a class, with its images inside");
}

// Class names go into the model file, which keeps them as JSON.
void require_text(const Dataset& dataset) {
  for (const std::string& class_name : dataset.classes) {
    try {
      nlohmann::json(class_name).dump();
    } catch (const nlohmann::json::exception&) {
      throw Error(ExitCode::data, str("the class name \"", class_name, "\" is not UTF-8"),
                  dataset.root.string(), "rename the folder");
    }
  }
}

int label_of(const std::vector<std::string>& classes, const std::string& class_name) {
  const auto found = std::find(classes.begin(), classes.end(), class_name);
  return static_cast<int>(found - classes.begin());
}

void fail_on_first_bad(const Dataset& dataset) {
  if (dataset.skipped.empty()) return;
  const auto& [path, reason] = dataset.skipped.front();
  throw Error(ExitCode::data, str("bad image: ", reason), (dataset.root / path).string(),
              "replace or remove it, or set data.on_bad_image to \"skip\"");
}

// As samples, by path.
void take_files(Dataset& dataset, std::vector<ListedFile> files) {
  std::sort(files.begin(), files.end(),
            [](const ListedFile& a, const ListedFile& b) { return a.path < b.path; });
  for (const auto& [path, class_name, split] : files)
    dataset.samples.push_back({path, label_of(dataset.classes, class_name), split, hash64(path)});
}

// Leaves the samples that are images.
void prove(Dataset& dataset, BadImage on_bad_image, int threads, const Progress& progress = {},
           ImageCache* images = nullptr) {
  std::vector<std::string> paths;
  for (const Sample& sample : dataset.samples)
    paths.push_back(sample.path);
  const auto verified = verify_images(dataset.root, paths, threads, progress, images);
  std::vector<Sample> proven;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& [reason, content, width, height] = verified[i];
    Sample& sample = dataset.samples[i];
    if (!reason.empty()) {
      dataset.skipped.push_back({sample.path, reason});
    } else {
      sample.content = content;
      sample.width = width;
      sample.height = height;
      proven.push_back(std::move(sample));
    }
  }
  dataset.samples = std::move(proven);
  if (on_bad_image == BadImage::fail) fail_on_first_bad(dataset);
  if (dataset.samples.empty()) {
    throw Error(ExitCode::data,
                str("no images found (", count(std::ssize(dataset.skipped), "unusable file"), ")"),
                dataset.root.string(), "put JPEG or PNG files into the class folders");
  }
}

void require_every_class(const Dataset& dataset, Split split, const std::string& where) {
  const auto counts = dataset.class_counts(split);
  const auto empty = std::find(counts.begin(), counts.end(), 0);
  if (empty == counts.end()) return;
  const std::string& absent = dataset.classes[empty - counts.begin()];
  throw Error(ExitCode::data, str("class \"", absent, "\" has no usable image in ", where),
              dataset.root.string(), "every class needs images in every split");
}

std::vector<std::string> class_names(const std::vector<ListedFile>& files) {
  std::set<std::string> names;
  for (const ListedFile& file : files)
    names.insert(file.class_name);
  return {names.begin(), names.end()};
}

void require_known(const std::vector<ListedFile>& files, const Dataset& dataset) {
  for (const ListedFile& file : files) {
    if (contains(dataset.classes, file.class_name)) continue;
    const std::string near = nearest(file.class_name, dataset.classes);
    const std::string guess = near.empty() ? "" : str("; is it \"", near, "\"?");
    throw Error(ExitCode::data,
                str("the folder \"", file.class_name, "\" is no class of the model"),
                (dataset.root / file.path).parent_path().string(),
                "name the folders as the model names its classes" + guess);
  }
}

}  // namespace

const char* name(Split split) {
  constexpr const char* names[] = {"train", "val", "test"};
  return names[static_cast<int>(split)];
}

std::vector<std::size_t> Dataset::indices(Split split) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].split == split) found.push_back(i);
  }
  return found;
}

std::vector<std::int64_t> Dataset::class_counts(Split split) const {
  std::vector<std::int64_t> counts(classes.size());
  for (const Sample& sample : samples)
    counts[sample.label] += sample.split == split;
  return counts;
}

Dataset list_dataset(const DataOptions& options) {
  Dataset dataset;
  dataset.root = options.root;
  const std::vector<std::string> folders = subfolders(options.root);
  dataset.has_own_splits = contains(folders, "train") && contains(folders, "val");
  if (!dataset.has_own_splits && contains(folders, "train")) {
    throw Error(ExitCode::data, "there is a folder train, but none called val",
                options.root.string(),
                "name the validation folder val, or move the class folders up");
  }
  const auto files = dataset.has_own_splits ? list_splits(options.root, own_splits(folders))
                                            : list_classes(options.root, "", Split::train);
  dataset.classes = class_names(files);
  require_classes(dataset);
  require_text(dataset);
  take_files(dataset, files);
  return dataset;
}

void check_dataset(Dataset& dataset, const DataOptions& options, std::uint64_t seed, int threads,
                   const Progress& progress, ImageCache* images) {
  prove(dataset, options.on_bad_image, threads, progress, images);
  if (!dataset.has_own_splits) {
    require_every_class(dataset, Split::train, "its folder");
    stratify(dataset.samples, dataset.classes, options.val, options.test, seed);
    return;
  }
  for (const Split split : own_splits(subfolders(dataset.root)))
    require_every_class(dataset, split, str(name(split), "/"));
}

Dataset open_dataset(const DataOptions& options, std::uint64_t seed, int threads,
                     const Progress& progress, ImageCache* images) {
  Dataset dataset = list_dataset(options);
  check_dataset(dataset, options, seed, threads, progress, images);
  return dataset;
}

Dataset open_evaluation_folder(const fs::path& root, const std::vector<std::string>& classes,
                               BadImage on_bad_image, int threads) {
  Dataset dataset;
  dataset.root = root;
  dataset.classes = classes;
  std::vector<std::string> folders = subfolders(root);
  std::erase_if(folders, [&](const std::string& folder) { return contains(classes, folder); });
  const std::vector<Split> splits = own_splits(folders);
  dataset.has_own_splits = !splits.empty();
  const auto files =
      dataset.has_own_splits ? list_splits(root, splits) : list_classes(root, "", Split::test);
  require_known(files, dataset);
  take_files(dataset, files);
  prove(dataset, on_bad_image, threads);
  return dataset;
}

}  // namespace tl
