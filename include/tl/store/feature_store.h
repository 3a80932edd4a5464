// Keeps what the frozen part of a network computed, in memory or in a folder that any number of
// processes share. Entries are found by digests of everything that decides them, so nothing in here
// can be out of date; an entry that is damaged counts as absent; and where a disk refuses, the
// store goes on in memory and says so once.
#pragma once

#include "tl/base/hash.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace tl {

struct StoreOptions {
  std::optional<std::filesystem::path> folder;  // none: in memory alone
  std::uint64_t disk_bytes = 0;                 // what the folder may hold in all
  std::uint64_t ram_bytes = 0;                  // what may be held in memory
};

struct StoreCounts {
  std::uint64_t hits = 0;           // entries found when they were read
  std::uint64_t computed = 0;       // entries added, with or without room for them
  std::uint64_t bytes_written = 0;  // to the folder
};

// The right to compute a piece of work that other processes may be about to do as well. Held until
// it is destroyed; a process that dies gives it up.
class Claim {
 public:
  virtual ~Claim() = default;
  virtual void renew() = 0;  // to be called at least once a minute
};

// Entries of one size that share a key: one network, one way of making its images. For one thread.
class Shelf {
 public:
  virtual ~Shelf() = default;
  virtual bool is_empty() const = 0;
  virtual bool contains(const Digest& entry) const = 0;
  // Fills `into`, of the shelf's entry size. False: absent, or damaged and from now on absent.
  virtual bool read(const Digest& entry, std::byte* into) = 0;
  virtual bool has_room() const = 0;
  // Keeps a copy, unless there is no room left for it.
  virtual void add(const Digest& entry, const std::byte* bytes) = 0;
  // Gives other processes what was added, and takes in what they have added.
  virtual void exchange() = 0;
  // None while another process that is alive holds the same claim.
  virtual std::unique_ptr<Claim> claim(const Digest& work) = 0;
};

class FeatureStore {
 public:
  explicit FeatureStore(const StoreOptions& options);
  ~FeatureStore();

  std::unique_ptr<Shelf> shelf(const Digest& key, std::size_t entry_bytes);
  StoreCounts counts() const;
  // "memory", or the folder.
  std::string place() const;

 private:
  std::shared_ptr<struct StoreState> state_;
};

}  // namespace tl
