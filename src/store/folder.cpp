#include "store/folder.h"

#include "store/claim.h"
#include "tl/base/files.h"

#include <algorithm>

namespace tl {
namespace {

namespace fs = std::filesystem;

constexpr const char* suffix = ".shard";

struct Stored {
  fs::path path;
  std::uint64_t bytes;
  fs::file_time_type used;
};

// Other processes add and remove at any time: what has gone meanwhile is left out.
std::vector<Stored> shards_below(const fs::path& folder) {
  std::vector<Stored> found;
  std::error_code error;
  auto file = fs::recursive_directory_iterator(folder, error);
  for (; !error && file != fs::recursive_directory_iterator(); file.increment(error)) {
    if (file->path().extension() != suffix) continue;
    std::error_code gone;
    Stored stored{file->path(), file->file_size(gone), file->last_write_time(gone)};
    if (!gone) found.push_back(std::move(stored));
  }
  std::sort(found.begin(), found.end(),
            [](const Stored& a, const Stored& b) { return a.used < b.used; });
  return found;
}

}  // namespace

StoreFolder::StoreFolder(fs::path root, std::uint64_t limit)
    : root_(std::move(root)), limit_(limit) {}

std::vector<fs::path> StoreFolder::shards(const Digest& shelf) {
  in_use_.insert(path_of(shelf));
  std::vector<fs::path> paths;
  std::error_code read_only;
  for (const Stored& stored : shards_below(path_of(shelf))) {
    fs::last_write_time(stored.path, fs::file_time_type::clock::now(), read_only);
    paths.push_back(stored.path);
  }
  return paths;
}

bool StoreFolder::write(const Digest& shelf, const Digest& name, const std::string& bytes) {
  if (!make_room(bytes.size())) return false;
  make_writable_folder(path_of(shelf));
  write_file(path_of(shelf) / (hexadecimal(name) + suffix), bytes);
  return true;
}

bool StoreFolder::make_room(std::uint64_t bytes) const {
  const auto stored = shards_below(root_);
  std::uint64_t total = bytes;
  for (const Stored& shard : stored)
    total += shard.bytes;
  for (const Stored& shard : stored) {
    if (total <= limit_) break;
    if (in_use_.count(shard.path.parent_path()) > 0) continue;
    std::error_code gone;
    fs::remove(shard.path, gone);
    fs::remove(shard.path.parent_path(), gone);  // only where it is empty
    total -= shard.bytes;
  }
  return total <= limit_;
}

std::unique_ptr<Claim> StoreFolder::claim(const Digest& shelf, const Digest& work) const {
  return claim_file(path_of(shelf) / ("claim-" + hexadecimal(work)));
}

}  // namespace tl
