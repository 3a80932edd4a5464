#include "data/listing.h"
#include "data/verify.h"
#include "tl/base/error.h"
#include "tl/base/hash.h"
#include "tl/data/dataset.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace tl {
namespace {

bool named_like_an_image(const std::filesystem::path& path) {
  static const std::set<std::string> extensions = {".bmp", ".jp2",  ".jpe", ".jpeg", ".jpg",
                                                   ".pbm", ".pgm",  ".png", ".pnm",  ".ppm",
                                                   ".tif", ".tiff", ".webp"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extensions.contains(extension);
}

}  // namespace

std::vector<std::filesystem::path> find_images(const std::filesystem::path& file_or_folder) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(file_or_folder, ignored)) return {file_or_folder};
  if (!std::filesystem::is_directory(file_or_folder, ignored)) {
    throw Error(ExitCode::data, "no such file or folder", file_or_folder.string(),
                "check the path");
  }
  std::vector<std::filesystem::path> images;
  for (const std::string& file : files_under(file_or_folder)) {
    if (named_like_an_image(file)) images.push_back(file_or_folder / file);
  }
  return images;
}

Dataset open_images(const std::vector<std::filesystem::path>& files_or_folders, int threads) {
  std::vector<std::string> paths;
  for (const auto& given : files_or_folders) {
    for (const auto& image : find_images(given))
      paths.push_back(image.generic_string());
  }
  Dataset dataset;
  const auto verified = verify_images(dataset.root, paths, threads, {});
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto& [reason, content, width, height] = verified[i];
    if (reason.empty()) {
      dataset.samples.push_back(
          {paths[i], -1, Split::test, hash64(paths[i]), content, width, height});
    } else {
      dataset.skipped.push_back({paths[i], reason});
    }
  }
  return dataset;
}

}  // namespace tl
