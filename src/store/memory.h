// Entries of one size that are held in memory, in blocks of at most a shard's size.
#pragma once

#include "tl/base/hash.h"

#include <cstddef>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tl {

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

// What becomes one shard.
struct Block {
  std::vector<Digest> digests;
  std::vector<std::byte> data;  // one entry after the other
};

constexpr std::size_t block_bytes = std::size_t{32} << 20;

class Memory {
 public:
  explicit Memory(std::size_t entry_bytes);

  // None where the entry is not here.
  const std::byte* find(const Digest& entry) const;
  void add(const Digest& entry, const std::byte* bytes);
  bool last_block_is_full() const;
  const std::vector<Block>& blocks() const { return blocks_; }
  std::size_t bytes() const { return places_.size() * entry_bytes_; }
  void clear();

 private:
  std::size_t entry_bytes_;
  std::vector<Block> blocks_;
  // Block and number within it.
  std::unordered_map<Digest, std::pair<std::size_t, std::size_t>, DigestHash> places_;
};

}  // namespace tl
