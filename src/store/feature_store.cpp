#include "tl/store/feature_store.h"

#include "store/folder.h"
#include "store/shard.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <cstring>
#include <map>
#include <unordered_map>

namespace tl {

struct StoreState {
  std::unique_ptr<StoreFolder> folder;  // none: in memory alone
  bool writes = true;                   // into the folder
  std::uint64_t room = 0;               // bytes that may still be held in memory
  StoreCounts counts;

  // The disk refused: what is there can still be read.
  void give_up_writing(const std::string& why) {
    if (writes) log::warn("the feature store goes on in memory: " + why);
    writes = false;
  }
};

namespace {

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

// Added entries that are not on disk.
struct Pending {
  std::vector<Digest> digests;
  std::vector<std::byte> data;
};

class NoClaim : public Claim {
  void renew() override {}
};

constexpr std::size_t shard_bytes = std::size_t{32} << 20;

class StoredShelf : public Shelf {
 public:
  StoredShelf(std::shared_ptr<StoreState> state, const Digest& key, std::size_t entry_bytes)
      : state_(std::move(state)), key_(key), entry_bytes_(entry_bytes) {
    take_in();
  }

  ~StoredShelf() override { state_->room += pending_.data.size(); }
  StoredShelf(const StoredShelf&) = delete;
  StoredShelf& operator=(const StoredShelf&) = delete;

  bool contains(const Digest& entry) const override {
    return in_memory_.count(entry) > 0 || on_disk_.count(entry) > 0;
  }

  bool read(const Digest& entry, std::byte* into) override {
    const bool found = find(entry, into);
    if (found) ++state_->counts.hits;
    return found;
  }

  bool has_room() const override {
    return state_->room >= entry_bytes_ || (state_->folder && state_->writes);
  }

  void add(const Digest& entry, const std::byte* bytes) override {
    ++state_->counts.computed;
    if (contains(entry)) return;
    if (pending_.data.size() >= shard_bytes || state_->room < entry_bytes_) write_out();
    if (state_->room < entry_bytes_) return;
    state_->room -= entry_bytes_;
    in_memory_[entry] = pending_.digests.size();
    pending_.digests.push_back(entry);
    pending_.data.insert(pending_.data.end(), bytes, bytes + entry_bytes_);
  }

  void exchange() override {
    write_out();
    take_in();
  }

  std::unique_ptr<Claim> claim(const Digest& work) override {
    if (!state_->folder || !state_->writes) return std::make_unique<NoClaim>();
    return state_->folder->claim(key_, work);
  }

 private:
  bool find(const Digest& entry, std::byte* into) {
    if (const auto found = in_memory_.find(entry); found != in_memory_.end()) {
      std::memcpy(into, pending_.data.data() + found->second * entry_bytes_, entry_bytes_);
      return true;
    }
    const auto found = on_disk_.find(entry);
    if (found == on_disk_.end()) return false;
    const auto [shard, index] = found->second;
    if (shard->read(index, into)) return true;
    on_disk_.erase(found);
    return false;
  }

  void write_out() {
    if (!state_->folder || !state_->writes || pending_.digests.empty()) return;
    const std::string bytes = encode_shard(pending_.digests, pending_.data);
    const auto* digests = reinterpret_cast<const char*>(pending_.digests.data());
    const Digest name = digest({digests, pending_.digests.size() * sizeof(Digest)});
    try {
      if (!state_->folder->write(key_, name, bytes)) {
        state_->give_up_writing("its folder is full (features.disk_gb)");
        return;
      }
    } catch (const Error& error) {
      state_->give_up_writing(str(error.what(), " (", error.where(), ")"));
      return;
    }
    state_->counts.bytes_written += bytes.size();
    take_in();
    state_->room += pending_.data.size();
    pending_ = {};
    in_memory_.clear();
  }

  // What later shards hold counts more: it may have been computed anew because of damage.
  void take_in() {
    if (!state_->folder) return;
    for (const auto& path : state_->folder->shards(key_)) {
      if (shards_.count(path) > 0) continue;
      auto& shard = shards_[path] = Shard::open(path, entry_bytes_);
      for (std::size_t i = 0; shard && i < shard->entries().size(); ++i) {
        on_disk_[shard->entries()[i].digest] = {shard.get(), i};
      }
    }
  }

  std::shared_ptr<StoreState> state_;
  Digest key_;
  std::size_t entry_bytes_;
  Pending pending_;
  std::unordered_map<Digest, std::size_t, DigestHash> in_memory_;
  std::map<std::filesystem::path, std::unique_ptr<Shard>> shards_;  // none: not whole
  std::unordered_map<Digest, std::pair<Shard*, std::size_t>, DigestHash> on_disk_;
};

}  // namespace

FeatureStore::FeatureStore(const StoreOptions& options) : state_(std::make_shared<StoreState>()) {
  if (options.folder) {
    state_->folder = std::make_unique<StoreFolder>(*options.folder, options.disk_bytes);
  }
  state_->room = options.ram_bytes;
}
FeatureStore::~FeatureStore() = default;

std::unique_ptr<Shelf> FeatureStore::shelf(const Digest& key, std::size_t entry_bytes) {
  return std::make_unique<StoredShelf>(state_, key, entry_bytes);
}

StoreCounts FeatureStore::counts() const {
  return state_->counts;
}

std::string FeatureStore::place() const {
  return state_->folder && state_->writes ? state_->folder->root().string() : "memory";
}

}  // namespace tl
