#include "tl/base/paths.h"

#include <system_error>

namespace tl {

std::filesystem::path short_path(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  const fs::path shorter = path.lexically_normal();
  std::error_code error;
  const fs::path there = fs::weakly_canonical(path, error);
  if (error || there.empty()) return shorter;
  return there == fs::weakly_canonical(shorter, error) || error ? shorter : there;
}

}  // namespace tl
