#include "data/listing.h"
#include "data/verify.h"
#include "tl/base/hash.h"
#include "tl/data/dataset.h"

namespace tl {
namespace {

namespace fs = std::filesystem;

// The path itself, or the files under the folder.
std::vector<std::string> files_of(const fs::path& file_or_folder) {
  std::error_code ignored;
  if (!fs::is_directory(file_or_folder, ignored)) return {file_or_folder.generic_string()};
  std::vector<std::string> files;
  for (const std::string& file : files_under(file_or_folder))
    files.push_back((file_or_folder / file).generic_string());
  return files;
}

}  // namespace

Dataset open_images(const std::vector<fs::path>& files_or_folders, const CheckOptions& how) {
  std::vector<std::string> paths;
  for (const auto& given : files_or_folders) {
    const auto files = files_of(given);
    paths.insert(paths.end(), files.begin(), files.end());
  }
  Dataset dataset;
  const auto verified = verify_images(dataset.root, paths, how);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Verified& image = verified[i];
    if (image.reason.empty()) {
      dataset.samples.push_back({paths[i], -1, Split::test, hash64(paths[i]), image.content,
                                 image.width, image.height, image.lacks_end});
    } else {
      dataset.skipped.push_back({paths[i], image.reason});
    }
  }
  return dataset;
}

}  // namespace tl
