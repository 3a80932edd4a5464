// The folder of a store: one folder a shelf, with shards and claims in it. Any number of processes
// use it at once, without locks.
#pragma once

#include "tl/store/feature_store.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tl {

class StoreFolder {
 public:
  StoreFolder(std::filesystem::path root, std::uint64_t limit);

  const std::filesystem::path& root() const { return root_; }
  // The shards of a shelf, oldest first; they count as used now.
  std::vector<std::filesystem::path> shards(const Digest& shelf);
  // Writes a shard under a name that its entries decide, after removing what was used longest ago
  // where the limit wants that; what a living process uses stays. Returns the file; none: there is
  // no room. Throws Error(training) where the disk refuses.
  std::optional<std::filesystem::path> write(const Digest& shelf, const Digest& name,
                                             const std::string& bytes);
  std::unique_ptr<Claim> claim(const Digest& shelf, const Digest& work) const;

 private:
  std::filesystem::path path_of(const Digest& shelf) const { return root_ / hexadecimal(shelf); }
  void mark_as_used(const std::filesystem::path& shelf);
  bool make_room(std::uint64_t bytes) const;

  std::filesystem::path root_;
  std::uint64_t limit_;
  std::map<std::filesystem::path, std::unique_ptr<Claim>> in_use_;  // shelves of this process
};

}  // namespace tl
