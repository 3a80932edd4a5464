// Paths as people write them.
#pragma once

#include <filesystem>

namespace tl {

// Without "." and, as far as no link is passed on the way back, without "..": the shortest path to
// the same place. Where "link/.." is not where the link lies, links are resolved.
std::filesystem::path short_path(const std::filesystem::path& path);

}  // namespace tl
