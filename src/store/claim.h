// Claims as files: whoever makes the file has the claim.
#pragma once

#include "tl/store/feature_store.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace tl {

// Whether whoever made the file seems alive: on this machine its process is looked for, of other
// machines it is asked that the file is not older.
bool is_held(const std::filesystem::path& file, std::chrono::minutes lifetime);

// None while the file is there and held, with a lifetime of two minutes. Where no file can be made,
// the claim is given: work done twice is better than none.
std::unique_ptr<Claim> claim_file(const std::filesystem::path& file);

// A file name of this process alone.
std::string name_of_process();

}  // namespace tl
