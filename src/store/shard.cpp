#include "store/shard.h"

#include <bit>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace tl {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr char magic[8] = {'t', 'l', 's', 'h', 'a', 'r', 'd', '1'};

struct Header {
  char magic[8];
  std::uint64_t entry_bytes;
  std::uint64_t entries;
  std::uint64_t checksum;  // of the fields above and the index
};
static_assert(sizeof(Header) == 32 && sizeof(ShardEntry) == 24);

std::string_view bytes_of(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

std::uint64_t checksum_of(const Header& header, const std::vector<ShardEntry>& entries) {
  std::string text(bytes_of(&header, offsetof(Header, checksum)));
  text += bytes_of(entries.data(), entries.size() * sizeof(ShardEntry));
  return hash64(text);
}

// pread and not a memory map: a map of a file that another machine truncates kills the process.
class File {
 public:
  explicit File(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // None where there is no such file.
  std::optional<std::uint64_t> size() const {
    struct stat status;
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
  }

  bool read(void* into, std::size_t size, std::size_t offset) const {
    auto* bytes = static_cast<char*>(into);
    while (size > 0) {
      const ssize_t n = ::pread(descriptor_, bytes, size, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      bytes += n;
      offset += static_cast<std::size_t>(n);
      size -= static_cast<std::size_t>(n);
    }
    return true;
  }

 private:
  int descriptor_;
};

}  // namespace

std::string encode_shard(const std::vector<Digest>& digests, const std::vector<std::byte>& data) {
  const std::size_t entry_bytes = data.size() / digests.size();
  std::vector<ShardEntry> entries;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    entries.push_back({digests[i], hash64(bytes_of(data.data() + i * entry_bytes, entry_bytes))});
  }
  Header header{{}, entry_bytes, digests.size(), 0};
  std::memcpy(header.magic, magic, sizeof magic);
  header.checksum = checksum_of(header, entries);
  std::string text(bytes_of(&header, sizeof header));
  text += bytes_of(entries.data(), entries.size() * sizeof(ShardEntry));
  text += bytes_of(data.data(), data.size());
  return text;
}

std::unique_ptr<Shard> Shard::open(const std::filesystem::path& file, std::size_t entry_bytes) {
  std::unique_ptr<Shard> shard(new Shard(file, entry_bytes));
  return shard->read_index() ? std::move(shard) : nullptr;
}

bool Shard::read_index() {
  const File file(file_);
  const auto size = file.size();
  Header header;
  if (!size || !file.read(&header, sizeof header, 0)) return false;
  const std::uint64_t bytes_per_entry = sizeof(ShardEntry) + entry_bytes_;
  const bool fits = std::memcmp(header.magic, magic, sizeof magic) == 0 &&
                    header.entry_bytes == entry_bytes_ &&
                    header.entries == (*size - sizeof header) / bytes_per_entry &&
                    (*size - sizeof header) % bytes_per_entry == 0;
  if (!fits) return false;
  entries_.resize(header.entries);
  return file.read(entries_.data(), entries_.size() * sizeof(ShardEntry), sizeof header) &&
         header.checksum == checksum_of(header, entries_);
}

bool Shard::read(std::size_t index, std::byte* into) const {
  const std::size_t data = sizeof(Header) + entries_.size() * sizeof(ShardEntry);
  return File(file_).read(into, entry_bytes_, data + index * entry_bytes_) &&
         hash64(bytes_of(into, entry_bytes_)) == entries_[index].checksum;
}

}  // namespace tl
