// Walks folders: which files there are, before any of them is opened.
#pragma once

#include "tl/data/dataset.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tl {

struct ListedFile {
  std::string path;  // relative to the root, with '/'
  std::string class_name;
  Split split;
};

// Names of the folders directly in `folder`, sorted; left out are hidden ones, and links to
// `folder` itself or to one that contains it: a circle is no class. Throws Error(data) where there
// is no such folder or it can't be read.
std::vector<std::string> subfolders(const std::filesystem::path& folder);

// All files under `folder` at any depth, hidden ones left out, links followed (each folder once,
// and none that contains `folder`), sorted; relative to `folder`, with '/'. Throws Error(data).
std::vector<std::string> files_under(const std::filesystem::path& folder);

// The files in the class folders of root/part (part may be empty: root itself).
std::vector<ListedFile> list_classes(const std::filesystem::path& root, const std::string& part,
                                     Split split);

}  // namespace tl
