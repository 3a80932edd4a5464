#include "tl/data/dataset.h"

#include "data/check.h"
#include "data/class_names.h"
#include "data/layout.h"
#include "data/listing.h"
#include "tl/base/error.h"
#include "tl/base/hash.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace tl {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

struct ListedFile {
  std::string path;  // relative to the root, with '/'
  std::string class_name;
  Split split;
};

// Sorted by path. Folders without any go to dataset.empty_folders.
std::vector<ListedFile> list_files(Dataset& dataset, const Layout& layout) {
  std::vector<ListedFile> listed;
  for (const ClassFolder& folder : layout.folders) {
    const Names files = files_under(dataset.root / folder.path);
    if (files.empty()) dataset.empty_folders.push_back(folder.path);
    for (const std::string& file : files)
      listed.push_back({folder.path + "/" + file, folder.class_name, folder.split});
  }
  std::sort(listed.begin(), listed.end(),
            [](const ListedFile& a, const ListedFile& b) { return a.path < b.path; });
  return listed;
}

Names class_names(const std::vector<ListedFile>& files) {
  std::set<std::string> names;
  for (const ListedFile& file : files)
    names.insert(file.class_name);
  return {names.begin(), names.end()};
}

void take_files(Dataset& dataset, const std::vector<ListedFile>& files) {
  for (const auto& [path, class_name, split] : files) {
    const auto found = std::find(dataset.classes.begin(), dataset.classes.end(), class_name);
    const auto label = static_cast<int>(found - dataset.classes.begin());
    dataset.samples.push_back({path, label, split, hash64(path)});
  }
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

void require_known(const std::vector<ListedFile>& files, const Dataset& dataset) {
  for (const ListedFile& file : files) {
    if (std::find(dataset.classes.begin(), dataset.classes.end(), file.class_name) !=
        dataset.classes.end()) {
      continue;
    }
    const std::string twin = similar_to(file.class_name, dataset.classes);
    const std::string near = nearest(file.class_name, dataset.classes);
    const std::string guess = !twin.empty()  ? str("; it differs from \"", twin, "\" in ",
                                                   difference(file.class_name, twin))
                              : near.empty() ? ""
                                             : str("; is it \"", near, "\"?");
    throw Error(ExitCode::data,
                str("the folder \"", file.class_name, "\" is no class of the model"),
                (dataset.root / file.path).parent_path().string(),
                "name the folders as the model names its classes" + guess);
  }
}

}  // namespace

const char* split_name(Split split) {
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
  const Layout layout = read_layout(options.root);
  require_training_splits(layout, options.root);
  dataset.has_own_splits = layout.has_own_splits;
  dataset.draws_val = layout.has_own_splits && !layout.has(Split::val);
  const auto files = list_files(dataset, layout);
  dataset.classes = class_names(files);
  require_classes(dataset);
  require_text(dataset);
  take_files(dataset, files);
  if (dataset.draws_val) {
    log::info(str("there is no folder of validation images: ", fixed(100 * options.val, 0),
                  " % of each class are drawn from the training images (data.val)"));
  }
  return dataset;
}

Dataset open_evaluation_folder(const fs::path& root, const Names& classes, BadImage on_bad_image,
                               const CheckOptions& how) {
  Dataset dataset;
  dataset.root = root;
  dataset.classes = classes;
  const Layout layout = read_layout(root, classes);
  dataset.has_own_splits = layout.has_own_splits;
  const auto files = list_files(dataset, layout);
  require_known(files, dataset);
  take_files(dataset, files);
  if (!dataset.has_own_splits) {
    for (Sample& sample : dataset.samples)
      sample.split = Split::test;
  }
  prove_images(dataset, on_bad_image, how);
  return dataset;
}

}  // namespace tl
