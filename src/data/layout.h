// What the folders of a data set mean: classes, splits that hold classes, or classes that hold
// splits.
#pragma once

#include "tl/data/dataset.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tl {

// The split that a folder of this name holds in the usual spellings, in upper or lower case.
std::optional<Split> split_spelt(std::string_view folder);

struct ClassFolder {
  std::string path;  // relative to the root, with '/'
  std::string class_name;
  Split split;
};

struct Layout {
  std::vector<ClassFolder> folders;
  bool has_own_splits = false;  // otherwise every split is train

  bool has(Split split) const;
};

// Reads the names of folders, and of files just the first bytes, where a folder holds both files
// and folders. Folders named like one of `classes` are taken for that class, not for a split.
// Throws Error(data) where two folders are one split, and where folders look like parts of a data
// set (they hold the same folders and no images) but are not called as splits usually are.
Layout read_layout(const std::filesystem::path& root, const std::vector<std::string>& classes = {});

// Throws Error(data) where a layout with splits of its own lacks train, or both val and test.
void require_training_splits(const Layout& layout, const std::filesystem::path& root);

}  // namespace tl
