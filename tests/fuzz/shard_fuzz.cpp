// A file of the feature store: as it is, and with the checksum of its index set right, since no
// mutation would hit that.
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"
#include "store/shard.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t checksum_at = 24;
constexpr std::size_t entry_bytes = 8;

void read_all(std::string_view bytes) {
  const MemoryFile file(bytes);
  const auto shard = tl::Shard::open(file.path(), entry_bytes);
  std::vector<std::byte> entry(entry_bytes);
  for (std::size_t i = 0; shard && i < shard->entries().size(); ++i)
    shard->read(i, entry.data());
}

std::string with_checksum(std::string bytes) {
  std::uint64_t entries = 0;
  std::memcpy(&entries, bytes.data() + 16, sizeof entries);
  const std::size_t rest = bytes.size() - header_bytes;
  const std::size_t index =
      std::min<std::uint64_t>(entries, rest / sizeof(tl::ShardEntry)) * sizeof(tl::ShardEntry);
  const std::uint64_t checksum =
      tl::hash64(bytes.substr(0, checksum_at) + bytes.substr(header_bytes, index));
  std::memcpy(bytes.data() + checksum_at, &checksum, sizeof checksum);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(text_of(data, size));
  read_all(bytes);
  if (size >= header_bytes) read_all(with_checksum(bytes));
  return 0;
}
