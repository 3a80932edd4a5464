// The container of checkpoint format 2 around an archive.
#pragma once

#include "tl/base/hash.h"

#include <string>

inline std::string contained(const std::string& archive) {
  const tl::Digest sum = tl::digest(archive);
  return "tlckpt2\n" + std::string(sum.begin(), sum.end()) + archive;
}
