#include "store/folder.h"

#include "store/claim.h"
#include "tl/base/files.h"

#include <algorithm>

namespace tl {
namespace {

namespace fs = std::filesystem;

constexpr const char* suffix = ".shard";
// Nobody takes so long to write a shard: a process that was killed has left the file.
constexpr auto abandoned = std::chrono::hours(1);
// A process marks the shelves that it uses by a file in each, and renews it every epoch.
constexpr const char* mark_prefix = "use-";
constexpr auto mark_lifetime = std::chrono::hours(1);

struct Stored {
  fs::path path;
  std::uint64_t bytes;
  fs::file_time_type used;
};

// Names are digests, and nothing else in the folder is the store's.
bool is_named_by_digest(const fs::path& path) {
  const std::string name = path.stem().string();
  return name.size() == 2 * sizeof(Digest) &&
         name.find_first_not_of("0123456789abcdef") == name.npos;
}

// Other processes add and remove at any time: what has gone meanwhile is left out, and so is what
// other users don't let us read.
template <typename Visit>
void for_each_in(const fs::path& folder, Visit visit) {
  std::error_code error;
  auto entry = fs::directory_iterator(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    visit(*entry);
}

std::vector<Stored> shards_in(const fs::path& shelf) {
  std::vector<Stored> found;
  for_each_in(shelf, [&](const fs::directory_entry& file) {
    if (file.path().extension() != suffix || !is_named_by_digest(file.path())) return;
    std::error_code gone;
    Stored stored{file.path(), file.file_size(gone), file.last_write_time(gone)};
    if (!gone) found.push_back(std::move(stored));
  });
  return found;
}

std::vector<Stored> shards_below(const fs::path& root) {
  std::vector<Stored> found;
  for_each_in(root, [&](const fs::directory_entry& shelf) {
    if (!is_named_by_digest(shelf.path())) return;
    const std::vector<Stored> shards = shards_in(shelf.path());
    found.insert(found.end(), shards.begin(), shards.end());
  });
  return found;
}

// Marks of dead processes are removed on the way.
bool is_in_use(const fs::path& shelf) {
  bool used = false;
  for_each_in(shelf, [&](const fs::directory_entry& file) {
    if (!file.path().filename().string().starts_with(mark_prefix)) return;
    std::error_code ignored;
    if (is_held(file.path(), mark_lifetime)) {
      used = true;
    } else {
      fs::remove(file.path(), ignored);
    }
  });
  return used;
}

std::vector<Stored> oldest_first(std::vector<Stored> shards) {
  std::sort(shards.begin(), shards.end(),
            [](const Stored& a, const Stored& b) { return a.used < b.used; });
  return shards;
}

}  // namespace

StoreFolder::StoreFolder(fs::path root, std::uint64_t limit)
    : root_(std::move(root)), limit_(limit) {}

std::vector<fs::path> StoreFolder::shards(const Digest& shelf) {
  mark_as_used(path_of(shelf));
  std::vector<fs::path> paths;
  std::error_code read_only;
  for (const Stored& stored : oldest_first(shards_in(path_of(shelf)))) {
    fs::last_write_time(stored.path, fs::file_time_type::clock::now(), read_only);
    paths.push_back(stored.path);
  }
  return paths;
}

std::optional<fs::path> StoreFolder::write(const Digest& shelf, const Digest& name,
                                           const std::string& bytes) {
  if (!make_room(bytes.size())) return std::nullopt;
  make_writable_folder(path_of(shelf));
  mark_as_used(path_of(shelf));
  remove_temporary_files(path_of(shelf), abandoned);
  const fs::path file = path_of(shelf) / (hexadecimal(name) + suffix);
  write_file(file, bytes);
  return file;
}

void StoreFolder::mark_as_used(const fs::path& shelf) {
  std::error_code absent;
  if (!fs::is_directory(shelf, absent)) return;
  auto& mark = in_use_[shelf];
  if (!mark) mark = claim_file(shelf / (mark_prefix + name_of_process()));
  if (mark) mark->renew();
}

bool StoreFolder::make_room(std::uint64_t bytes) const {
  const auto stored = oldest_first(shards_below(root_));
  std::map<fs::path, bool> used;  // shelves
  std::uint64_t total = bytes;
  for (const Stored& shard : stored)
    total += shard.bytes;
  for (const Stored& shard : stored) {
    if (total <= limit_) break;
    const auto [shelf, fresh] = used.try_emplace(shard.path.parent_path());
    if (fresh) shelf->second = is_in_use(shelf->first);
    if (shelf->second) continue;
    std::error_code gone;
    fs::remove(shard.path, gone);
    if (gone) continue;  // another user's
    total -= shard.bytes;
    fs::remove(shard.path.parent_path(), gone);  // only where it is empty
  }
  return total <= limit_;
}

std::unique_ptr<Claim> StoreFolder::claim(const Digest& shelf, const Digest& work) const {
  return claim_file(path_of(shelf) / ("claim-" + hexadecimal(work)));
}

}  // namespace tl
