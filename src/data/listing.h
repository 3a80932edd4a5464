// Walks folders: which files there are, before any of them is opened.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tl {

// Names of the folders directly in `folder`, sorted; left out are hidden ones, and links to
// `folder` itself or to one that contains it: a circle is no class. Throws Error(data) where there
// is no such folder or it can't be read.
std::vector<std::string> subfolders(const std::filesystem::path& folder);

// All files under `folder` at any depth, hidden ones left out, links followed (each folder once,
// and none that contains `folder`), sorted; relative to `folder`, with '/'. Throws Error(data).
std::vector<std::string> files_under(const std::filesystem::path& folder);

// Whether a file directly in `folder` begins as an image of a supported format does.
bool holds_images(const std::filesystem::path& folder);

}  // namespace tl
