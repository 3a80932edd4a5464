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

// Keeps the index and not the file: a store has more shards than a process may have open files.
class Shard {
 public:
  // None where the file is no whole shard of entries of that size.
  static std::unique_ptr<Shard> open(const std::filesystem::path& file, std::size_t entry_bytes);

  const std::vector<ShardEntry>& entries() const { return entries_; }
  // False where the entry can't be read (the file may be gone) or its checksum is wrong.
  bool read(std::size_t index, std::byte* into) const;

 private:
  Shard(std::filesystem::path file, std::size_t entry_bytes)
      : file_(std::move(file)), entry_bytes_(entry_bytes) {}
  bool read_index();

  std::filesystem::path file_;
  std::size_t entry_bytes_;
  std::vector<ShardEntry> entries_;
};

}  // namespace tl
