// Which split of a run an image was in, told by its content, so that it holds wherever the image
// lies now: contents.csv beside split.csv.
#pragma once

#include "tl/data/dataset.h"
#include "tl/run/run_folder.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace tl {

// path,content: the digest of each file.
void write_contents_csv(const Dataset& dataset, const std::filesystem::path& file);

class RunSplit {
 public:
  // Throws Error(usage) where a file is missing, Error(data) where it is damaged.
  explicit RunSplit(const RunFolder& run);

  // None: the run did not have the image. Of copies in several splits, the one of the same path
  // counts, or else the one nearest to training.
  std::optional<Split> of(const Sample& sample) const;

 private:
  std::map<std::string, std::map<std::string, Split>> splits_;  // by content, and by path
};

}  // namespace tl
