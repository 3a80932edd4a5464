#include "data/layout.h"

#include "data/format.h"
#include "data/listing.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace tl {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
// The folders of a root, and the folders in those of them that hold folders but no images.
using Nested = std::map<std::string, Names>;

constexpr std::size_t most_folders_named = 5;  // in a message
constexpr const char* rename_hint =
    "name folders that hold classes train, val and test, or give a folder of class folders";

bool contains(const Names& names, const std::string& wanted) {
  return std::find(names.begin(), names.end(), wanted) != names.end();
}

Nested nested_folders(const fs::path& root, const Names& folders) {
  Nested nested;
  for (const std::string& folder : folders) {
    Names inner = subfolders(root / folder);
    if (!inner.empty() && !holds_images(root / folder)) nested[folder] = std::move(inner);
  }
  return nested;
}

std::set<Split> splits_among(const Names& folders) {
  std::set<Split> splits;
  for (const std::string& folder : folders) {
    if (const auto split = split_spelt(folder)) splits.insert(*split);
  }
  return splits;
}

// Those that are called like a split; the others are left out, which the log says.
std::map<Split, std::string> split_folders(const fs::path& root, const Names& folders) {
  std::map<Split, std::string> found;
  Names others;
  for (const std::string& folder : folders) {
    const auto split = split_spelt(folder);
    if (!split) {
      others.push_back(folder);
    } else if (const auto [at, is_new] = found.emplace(*split, folder); !is_new) {
      throw Error(ExitCode::data,
                  str("the folders ", at->second, " and ", folder, " are both the ",
                      split_name(*split), " split"),
                  root.string(), "leave one of them there");
    }
  }
  if (!others.empty()) {
    log::warn(str("beside ", found.begin()->second, " and the other splits, ",
                  count(std::ssize(others), "folder"), " in ", root.string(),
                  " belong to none and are left out: ", listed(others, most_folders_named)));
  }
  return found;
}

// Some data sets come with a test folder of images without labels.
void refuse_flat(const fs::path& folder, Split split) {
  const std::string what =
      "a folder of " + std::string(split_name(split)) + " images holds no class folders";
  if (split != Split::test)
    throw Error(ExitCode::data, what, folder.string(), "put the images into class folders in it");
  log::warn(what + " and is left out: " + folder.string());
}

// train/daisy
Layout splits_of_classes(const fs::path& root, const Names& folders) {
  Layout layout;
  layout.has_own_splits = true;
  for (const auto& [split, part] : split_folders(root, folders)) {
    const Names classes = subfolders(root / part);
    if (classes.empty()) refuse_flat(root / part, split);
    for (const std::string& class_name : classes)
      layout.folders.push_back({part + "/" + class_name, class_name, split});
  }
  return layout;
}

// daisy/train
Layout classes_of_splits(const fs::path& root, const Names& folders) {
  Layout layout;
  layout.has_own_splits = true;
  for (const std::string& class_name : folders) {
    for (const auto& [split, part] :
         split_folders(root / class_name, subfolders(root / class_name)))
      layout.folders.push_back({class_name + "/" + part, class_name, split});
  }
  return layout;
}

bool holds_only_splits(const Names& folders) {
  return std::all_of(folders.begin(), folders.end(),
                     [](const std::string& folder) { return split_spelt(folder).has_value(); });
}

// Some folder holds two splits or more. Where all hold nothing else, that is a layout; where only
// some do, nobody knows what is meant.
bool classes_hold_splits(const fs::path& root, const Names& folders, const Nested& nested) {
  const auto first = std::find_if(nested.begin(), nested.end(), [](const auto& folder) {
    return splits_among(folder.second).size() > 1;
  });
  if (first == nested.end()) return false;
  const bool all = nested.size() == folders.size() &&
                   std::all_of(nested.begin(), nested.end(),
                               [](const auto& folder) { return holds_only_splits(folder.second); });
  if (all) return true;
  throw Error(
      ExitCode::data,
      str("the folder ", first->first, " holds splits (", listed(first->second, most_folders_named),
          "), but not every class folder beside it does, or nothing else"),
      root.string(), rename_hint);
}

Names names_of(const Nested& nested) {
  Names names;
  for (const auto& [folder, inner] : nested)
    names.push_back(folder);
  return names;
}

// Folders that hold the same folders and no images are folds, or images and masks, but no classes.
// Some name may be missing here or there.
void refuse_parts(const fs::path& root, const Names& folders, const Nested& nested) {
  if (nested.size() < 2 || 2 * nested.size() < folders.size()) return;
  std::map<std::string, std::size_t> times;
  for (const auto& [folder, inner] : nested) {
    for (const std::string& name : inner)
      ++times[name];
  }
  Names shared;
  for (const auto& [name, n] : times) {
    if (n > 1 && 2 * n >= nested.size()) shared.push_back(name);
  }
  if (2 * shared.size() < times.size()) return;
  throw Error(ExitCode::data,
              str("the folders ", listed(names_of(nested), most_folders_named),
                  " hold no images but the same folders (", listed(shared, most_folders_named),
                  "): they look like parts of a data set, not like classes"),
              root.string(), rename_hint);
}

}  // namespace

std::optional<Split> split_spelt(std::string_view folder) {
  static const std::map<std::string, Split> spellings = {
      {"train", Split::train}, {"training", Split::train}, {"val", Split::val},
      {"valid", Split::val},   {"validation", Split::val}, {"dev", Split::val},
      {"test", Split::test},   {"testing", Split::test}};
  std::string lower(folder);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = spellings.find(lower);
  return found == spellings.end() ? std::nullopt : std::optional(found->second);
}

bool Layout::has(Split split) const {
  return std::any_of(folders.begin(), folders.end(),
                     [&](const ClassFolder& folder) { return folder.split == split; });
}

Layout read_layout(const fs::path& root, const Names& classes) {
  const Names all = subfolders(root);
  Names unknown = all;
  std::erase_if(unknown, [&](const std::string& folder) { return contains(classes, folder); });
  const std::set<Split> splits = splits_among(unknown);
  // One alone may be a class of that name, with images of its own.
  if (splits.size() > 1) return splits_of_classes(root, unknown);
  const Nested nested = nested_folders(root, all);
  for (const std::string& folder : unknown) {
    if (split_spelt(folder) && nested.contains(folder)) return splits_of_classes(root, unknown);
  }
  if (classes_hold_splits(root, all, nested)) return classes_of_splits(root, all);
  if (classes.empty()) refuse_parts(root, all, nested);
  Layout layout;
  for (const std::string& folder : all)
    layout.folders.push_back({folder, folder, Split::train});
  return layout;
}

void require_training_splits(const Layout& layout, const fs::path& root) {
  if (!layout.has_own_splits) return;
  Names found;
  for (const Split split : all_splits) {
    if (layout.has(split)) found.push_back(split_name(split));
  }
  if (layout.has(Split::train) && found.size() > 1) return;
  throw Error(ExitCode::data,
              layout.has(Split::train)
                  ? "there is a folder train, but none called val or test"
                  : str("there are folders of splits (", listed(found), "), but none called train"),
              root.string(),
              "add what is missing, or give a folder of class folders, which will be split");
}

}  // namespace tl
