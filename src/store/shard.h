// A file of entries, written once and never changed. Layout, integers little-endian:
//   "tlshard1", entry bytes (u64), entries (u64), XXH3-64 of all that stands in front of the data
//   (u64), then for each entry its digest (16 bytes) and the XXH3-64 of its data (u64), then the
//   data of each.
#pragma once

#include "tl/base/hash.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tl {

struct ShardEntry {
  Digest digest;
  std::uint64_t checksum;
};

// The bytes of a shard. `data` holds the entries one after the other.
std::string encode_shard(const std::vector<Digest>& digests, const std::vector<std::byte>& data);

class Shard {
 public:
  // None where the file is no whole shard of entries of that size.
  static std::unique_ptr<Shard> open(const std::filesystem::path& file, std::size_t entry_bytes);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  const std::vector<ShardEntry>& entries() const { return entries_; }
  // False where the entry can't be read or its checksum is wrong.
  bool read(std::size_t index, std::byte* into) const;

 private:
  Shard(int descriptor, std::size_t entry_bytes)
      : descriptor_(descriptor), entry_bytes_(entry_bytes) {}
  bool read_index();

  int descriptor_;
  std::size_t entry_bytes_;
  std::vector<ShardEntry> entries_;
};

}  // namespace tl
