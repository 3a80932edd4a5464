#include "store/memory.h"

#include <algorithm>

namespace tl {

Memory::Memory(std::size_t entry_bytes) : entry_bytes_(entry_bytes) {}

const std::byte* Memory::find(const Digest& entry) const {
  const auto found = places_.find(entry);
  if (found == places_.end()) return nullptr;
  const auto [block, number] = found->second;
  return blocks_[block].data.data() + number * entry_bytes_;
}

bool Memory::last_block_is_full() const {
  return !blocks_.empty() && blocks_.back().data.size() + entry_bytes_ > block_bytes;
}

void Memory::add(const Digest& entry, const std::byte* bytes) {
  if (blocks_.empty() || last_block_is_full()) {
    // A vector that grows would hold everything twice for a moment.
    blocks_.emplace_back().data.reserve(std::max(block_bytes, entry_bytes_));
  }
  Block& block = blocks_.back();
  places_[entry] = {blocks_.size() - 1, block.digests.size()};
  block.digests.push_back(entry);
  block.data.insert(block.data.end(), bytes, bytes + entry_bytes_);
}

void Memory::clear() {
  blocks_.clear();
  places_.clear();
}

}  // namespace tl
