// The container of checkpoint format 3 around an archive.
#pragma once

#include "tl/base/hash.h"

#include <string>

inline std::string contained(const std::string& archive) {
  const tl::Digest sum = tl::digest(archive);
  return "tlckpt3\n" + std::string(sum.begin(), sum.end()) + archive;
}
