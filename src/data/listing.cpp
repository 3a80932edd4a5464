#include "data/listing.h"

#include "data/image_file.h"
#include "tl/base/files.h"

#include <algorithm>
#include <set>

namespace tl {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

std::vector<fs::directory_entry> visible_entries(const fs::path& folder) {
  std::vector<fs::directory_entry> entries;
  try {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (!is_hidden(entry.path())) entries.push_back(entry);
    }
  } catch (const fs::filesystem_error& error) {
    throw_system_error(ExitCode::data, "can't read the folder", folder, error.code().value());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code broken_link;
  return entry.is_directory(broken_link);
}

// A link to `folder` itself or to one that contains it.
bool leads_back(const fs::directory_entry& entry, const fs::path& folder) {
  std::error_code ignored;
  if (!entry.is_symlink(ignored)) return false;
  const fs::path target = fs::canonical(entry.path(), ignored);
  const fs::path here = fs::canonical(folder, ignored);
  return std::mismatch(target.begin(), target.end(), here.begin(), here.end()).first ==
         target.end();
}

struct FolderWalk {
  std::set<fs::path> seen;  // real paths of folders
  std::vector<std::string> files;

  void enter(const fs::path& folder, const std::string& prefix) {
    for (const auto& entry : visible_entries(folder)) {
      const std::string path = prefix + entry.path().filename().string();
      if (!is_folder(entry)) {
        files.push_back(path);
      } else if (seen.insert(fs::canonical(entry.path())).second) {
        enter(entry.path(), path + "/");
      }
    }
  }
};

}  // namespace

std::vector<std::string> subfolders(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : visible_entries(folder)) {
    if (is_folder(entry) && !leads_back(entry, folder)) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> files_under(const fs::path& folder) {
  FolderWalk walk;
  std::error_code absent;  // said by enter()
  for (fs::path p = fs::canonical(folder, absent); walk.seen.insert(p).second;)
    p = p.parent_path();
  walk.enter(folder, "");
  std::sort(walk.files.begin(), walk.files.end());
  return std::move(walk.files);
}

bool holds_images(const fs::path& folder) {
  const auto entries = visible_entries(folder);
  return std::any_of(entries.begin(), entries.end(), [](const fs::directory_entry& entry) {
    return !is_folder(entry) && begins_like_an_image(entry.path());
  });
}

}  // namespace tl
