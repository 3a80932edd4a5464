// What a backbone's file says of its input, for a config that says the rest.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace tl {

// Unchecked, with the keys of backbone.input; {} where the file says nothing. Throws as
// read_file_info does.
nlohmann::ordered_json input_of_backbone(const std::filesystem::path& file);

}  // namespace tl
