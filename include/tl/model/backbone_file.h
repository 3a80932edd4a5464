// What a TorchScript file says of itself, beside its weights.
#pragma once

#include "tl/config/input_spec.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tl {

struct FileInfo {
  InputSpec input;
  std::vector<std::string> classes;  // of its classifier; may be empty
  std::string source;                // where the weights come from; may be empty
  std::string licence;
  bool input_is_assumed = false;  // nothing said so: ImageNet's convention
  bool normalises = false;        // a model.pt of ours: takes RGB in [0, 1]
};

// Reads the extra files `tl/model.json` or `tl/backbone.json`, or a NAME.json beside the file,
// without running anything of the file. `override` replaces what they say of the input.
// Throws Error(model) where the file is no TorchScript or its JSON is broken.
FileInfo read_file_info(const std::filesystem::path& file,
                        const std::optional<InputSpec>& override = std::nullopt);

}  // namespace tl
