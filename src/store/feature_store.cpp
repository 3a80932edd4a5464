#include "tl/store/feature_store.h"

#include "store/folder.h"
#include "store/memory.h"
#include "store/shard.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

namespace tl {

struct StoreState {
  std::unique_ptr<StoreFolder> folder;  // none: in memory alone
  bool writes = true;                   // into the folder
  std::uint64_t room = 0;               // bytes that may still be held in memory
  std::map<Digest, Memory> memories;    // of each shelf, what is not on disk
  StoreCounts counts;

  bool has_disk() const { return folder && writes; }

  // The disk refused: what is there can still be read.
  void give_up_writing(const std::string& why) {
    if (writes) log::warn("the feature store goes on in memory: " + why);
    writes = false;
  }
};

namespace {

class NoClaim : public Claim {
  void renew() override {}
};

class StoredShelf : public Shelf {
 public:
  StoredShelf(std::shared_ptr<StoreState> state, const Digest& key, std::size_t entry_bytes)
      : state_(std::move(state)),
        key_(key),
        entry_bytes_(entry_bytes),
        memory_(state_->memories.try_emplace(key, entry_bytes).first->second) {
    take_in();
    log::debug(str("store: shelf ", hexadecimal(key), " has ", on_disk_.size(),
                   " entries on disk, ", memory_.bytes() / entry_bytes, " in memory"));
  }

  bool is_empty() const override { return memory_.bytes() == 0 && on_disk_.empty(); }

  bool contains(const Digest& entry) const override {
    return memory_.find(entry) != nullptr || on_disk_.count(entry) > 0;
  }

  bool read(const Digest& entry, std::byte* into) override {
    const bool found = find(entry, into);
    if (found) ++state_->counts.hits;
    return found;
  }

  bool has_room() const override { return state_->room >= entry_bytes_ || state_->has_disk(); }

  void add(const Digest& entry, const std::byte* bytes) override {
    ++state_->counts.computed;
    if (contains(entry)) return;
    if (memory_.last_block_is_full() || state_->room < entry_bytes_) write_out();
    if (state_->room < entry_bytes_) return;
    state_->room -= entry_bytes_;
    memory_.add(entry, bytes);
  }

  void exchange() override {
    write_out();
    take_in();
  }

  std::unique_ptr<Claim> claim(const Digest& work) override {
    if (!state_->has_disk()) return std::make_unique<NoClaim>();
    return state_->folder->claim(key_, work);
  }

 private:
  bool find(const Digest& entry, std::byte* into) {
    if (const std::byte* bytes = memory_.find(entry)) {
      std::memcpy(into, bytes, entry_bytes_);
      return true;
    }
    const auto found = on_disk_.find(entry);
    if (found == on_disk_.end()) return false;
    const auto [shard, index] = found->second;
    if (shard->read(index, into)) return true;
    log::debug("store: an entry is gone or damaged: " + hexadecimal(entry));
    on_disk_.erase(found);
    return false;
  }

  void write_out() {
    if (!state_->has_disk()) return;
    for (const Block& block : memory_.blocks()) {
      if (!write(block)) return;
    }
    state_->room += memory_.bytes();
    memory_.clear();
  }

  bool write(const Block& block) {
    const std::string bytes = encode_shard(block.digests, block.data);
    try {
      const auto file = state_->folder->write(key_, name_of(block), bytes);
      if (file) {
        state_->counts.bytes_written += bytes.size();
        log::debug(
            str("store: wrote ", block.digests.size(), " entries, ", bytes.size(), " bytes"));
        take_in(*file);
        return true;
      }
      state_->give_up_writing("its folder is full (features.disk_gb)");
    } catch (const Error& error) {
      state_->give_up_writing(str(error.what(), " (", error.where(), ")"));
    }
    return false;
  }

  static Digest name_of(const Block& block) {
    const auto* digests = reinterpret_cast<const char*>(block.digests.data());
    return digest({digests, block.digests.size() * sizeof(Digest)});
  }

  void take_in() {
    if (!state_->folder) return;
    for (const auto& file : state_->folder->shards(key_)) {
      if (shards_.count(file) == 0) take_in(file);
    }
  }

  // What later shards hold counts more: it may have been computed anew because of damage. That may
  // be under the old name, which follows from the entries.
  void take_in(const std::filesystem::path& file) {
    auto& shard = shards_[file];
    if (!shard) shard = Shard::open(file, entry_bytes_);
    for (std::size_t i = 0; shard && i < shard->entries().size(); ++i) {
      on_disk_[shard->entries()[i].digest] = {shard.get(), i};
    }
  }

  std::shared_ptr<StoreState> state_;
  Digest key_;
  std::size_t entry_bytes_;
  Memory& memory_;
  std::map<std::filesystem::path, std::unique_ptr<Shard>> shards_;  // none: not whole
  std::unordered_map<Digest, std::pair<Shard*, std::size_t>, DigestHash> on_disk_;
};

}  // namespace

FeatureStore::FeatureStore(const StoreOptions& options) : state_(std::make_shared<StoreState>()) {
  if (options.folder) {
    state_->folder = std::make_unique<StoreFolder>(*options.folder, options.disk_bytes);
  }
  // What goes to disk is gathered in memory first.
  state_->room = std::max<std::uint64_t>(options.ram_bytes, options.folder ? block_bytes : 0);
}
FeatureStore::~FeatureStore() = default;

std::unique_ptr<Shelf> FeatureStore::shelf(const Digest& key, std::size_t entry_bytes) {
  return std::make_unique<StoredShelf>(state_, key, entry_bytes);
}

StoreCounts FeatureStore::counts() const {
  return state_->counts;
}

std::string FeatureStore::place() const {
  return state_->has_disk() ? state_->folder->root().string() : "memory";
}

}  // namespace tl
