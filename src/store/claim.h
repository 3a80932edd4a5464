// Claims as files: whoever makes the file has the claim.
#pragma once

#include "tl/store/feature_store.h"

#include <filesystem>
#include <memory>

namespace tl {

// None while the file is there and its maker seems alive: on this machine its process is looked
// for, of other machines it is asked that the file was renewed in the last two minutes. Where no
// file can be made, the claim is given: work done twice is better than none.
std::unique_ptr<Claim> claim_file(const std::filesystem::path& file);

}  // namespace tl
