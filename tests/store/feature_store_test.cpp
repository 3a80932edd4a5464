#include "tl/store/feature_store.h"

#include "catch.h"
#include "resource_limit.h"
#include "temporary_folder.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace tl;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t entry_bytes = 1000;

Digest named(const std::string& name) {
  return digest(name);
}

std::vector<std::byte> content(int number) {
  std::vector<std::byte> bytes(entry_bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(number * 31 + i * 7);
  return bytes;
}

StoreOptions on_disk(const fs::path& folder) {
  return {folder, 1 << 30, 1 << 20};
}

void add(Shelf& shelf, int number) {
  shelf.add(named("entry " + std::to_string(number)), content(number).data());
}

bool has(Shelf& shelf, int number) {
  std::vector<std::byte> bytes(entry_bytes);
  return shelf.read(named("entry " + std::to_string(number)), bytes.data()) &&
         bytes == content(number);
}

void check_has_first(Shelf& shelf, int count) {
  for (int i = 0; i < count; ++i)
    CHECK(has(shelf, i));
}

std::vector<fs::path> shards(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& file : fs::recursive_directory_iterator(folder)) {
    if (file.path().extension() == ".shard") found.push_back(file.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void flip_byte(const fs::path& file, std::streamoff from_end) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(-from_end, std::ios::end);
  const char old = static_cast<char>(stream.get());
  stream.seekp(-from_end, std::ios::end);
  stream.put(static_cast<char>(old ^ 1));
}

// The exit code of `work` in another process.
int in_another_process(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("what was added is found again, also by a later store on the folder") {
  const TemporaryFolder folder;
  {
    FeatureStore store(on_disk(folder / "store"));
    const auto shelf = store.shelf(named("a network"), entry_bytes);
    CHECK(shelf->is_empty());
    for (int i = 0; i < 5; ++i)
      add(*shelf, i);
    CHECK_FALSE(shelf->is_empty());
    CHECK(has(*shelf, 3));  // not written yet
    shelf->exchange();
    CHECK(has(*shelf, 4));  // from disk
    CHECK_FALSE(has(*shelf, 5));
    CHECK(store.counts().hits == 2);
    CHECK(store.counts().computed == 5);
    CHECK(store.counts().bytes_written > 5 * entry_bytes);
  }
  FeatureStore store(on_disk(folder / "store"));
  const auto shelf = store.shelf(named("a network"), entry_bytes);
  CHECK_FALSE(shelf->is_empty());
  check_has_first(*shelf, 5);
  CHECK(store.shelf(named("another network"), entry_bytes)->is_empty());
  CHECK_FALSE(has(*store.shelf(named("another network"), entry_bytes), 0));
  CHECK_FALSE(store.shelf(named("a network"), 2 * entry_bytes)->contains(named("entry 0")));
}

TEST_CASE("without a folder the store keeps within its memory") {
  FeatureStore store({std::nullopt, 0, 3 * entry_bytes});
  const auto shelf = store.shelf(named("a network"), entry_bytes);
  for (int i = 0; i < 5; ++i)
    add(*shelf, i);
  CHECK(has(*shelf, 2));
  CHECK_FALSE(has(*shelf, 3));
  CHECK_FALSE(shelf->has_room());
  CHECK(store.place() == "memory");
}

TEST_CASE("what is held in memory outlives its shelf") {
  FeatureStore store({std::nullopt, 0, 3 * entry_bytes});
  for (const char* name : {"one view", "another view"})
    add(*store.shelf(named(name), entry_bytes), 0);
  CHECK(has(*store.shelf(named("one view"), entry_bytes), 0));
  CHECK(has(*store.shelf(named("another view"), entry_bytes), 0));
  const auto shelf = store.shelf(named("a third view"), entry_bytes);
  add(*shelf, 0);
  CHECK(has(*shelf, 0));
  add(*shelf, 1);  // the room is that of the store, not of a shelf
  CHECK_FALSE(has(*shelf, 1));
}

TEST_CASE("a store on disk needs no memory of its own") {
  const TemporaryFolder folder;
  FeatureStore store({folder / "store", 1 << 30, 0});
  const auto shelf = store.shelf(named("n"), entry_bytes);
  add(*shelf, 0);
  shelf->exchange();
  CHECK(has(*shelf, 0));
  CHECK(shards(folder / "store").size() == 1);
}

TEST_CASE("a damaged entry counts as absent and can be added anew") {
  const TemporaryFolder folder;
  FeatureStore first(on_disk(folder / "store"));
  auto shelf = first.shelf(named("n"), entry_bytes);
  for (int i = 0; i < 3; ++i)
    add(*shelf, i);
  shelf->exchange();
  flip_byte(shards(folder / "store").at(0), 10);  // within the last entry's data

  FeatureStore second(on_disk(folder / "store"));
  shelf = second.shelf(named("n"), entry_bytes);
  CHECK(has(*shelf, 0));
  CHECK_FALSE(has(*shelf, 2));
  CHECK_FALSE(shelf->contains(named("entry 2")));
  add(*shelf, 2);
  shelf->exchange();
  CHECK(has(*shelf, 2));
  CHECK(has(*FeatureStore(on_disk(folder / "store")).shelf(named("n"), entry_bytes), 2));
}

TEST_CASE("a shard that is cut short, or whose index is damaged, is passed over whole") {
  const TemporaryFolder folder;
  const fs::path root = folder / "store";
  {
    FeatureStore store(on_disk(root));
    const auto shelf = store.shelf(named("n"), entry_bytes);
    add(*shelf, 0);
    shelf->exchange();
    add(*shelf, 1);
    shelf->exchange();
  }
  const auto files = shards(root);
  REQUIRE(files.size() == 2);
  fs::resize_file(files[0], fs::file_size(files[0]) - 1);
  flip_byte(files[1], static_cast<std::streamoff>(fs::file_size(files[1])) - 40);
  FeatureStore store(on_disk(root));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  CHECK_FALSE(shelf->contains(named("entry 0")));
  CHECK_FALSE(shelf->contains(named("entry 1")));
  std::ofstream(files[0], std::ios::trunc) << "rubbish";
  std::ofstream(files[1], std::ios::trunc);
  CHECK_FALSE(
      FeatureStore(on_disk(root)).shelf(named("n"), entry_bytes)->contains(named("entry 0")));
}

TEST_CASE("a store has more shards than a process may have open files") {
  const TemporaryFolder folder;
  {
    FeatureStore store(on_disk(folder / "store"));
    const auto shelf = store.shelf(named("n"), entry_bytes);
    for (int i = 0; i < 40; ++i) {
      add(*shelf, i);
      shelf->exchange();
    }
  }
  const auto limit = no_more_files(8);
  FeatureStore store(on_disk(folder / "store"));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  check_has_first(*shelf, 40);
}

TEST_CASE("an entry whose shard another process has removed counts as absent") {
  const TemporaryFolder folder;
  FeatureStore store(on_disk(folder / "store"));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  add(*shelf, 0);
  shelf->exchange();
  fs::remove(shards(folder / "store").at(0));
  CHECK_FALSE(has(*shelf, 0));
  add(*shelf, 0);
  CHECK(has(*shelf, 0));
}

TEST_CASE("half a shard that a killed process left is removed after a while") {
  const TemporaryFolder folder;
  FeatureStore store(on_disk(folder / "store"));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  add(*shelf, 0);
  shelf->exchange();
  const fs::path half = shards(folder / "store").at(0).parent_path() / ".tmp-4711-0";
  std::ofstream(half) << "half";
  add(*shelf, 1);
  shelf->exchange();
  CHECK(fs::exists(half));  // somebody may be writing it
  fs::last_write_time(half, fs::file_time_type::clock::now() - std::chrono::hours(2));
  add(*shelf, 2);
  shelf->exchange();
  CHECK_FALSE(fs::exists(half));
}

TEST_CASE("entries computed anew replace a damaged shard of the same entries") {
  const TemporaryFolder folder;
  FeatureStore first(on_disk(folder / "store"));
  auto shelf = first.shelf(named("n"), entry_bytes);
  add(*shelf, 0);
  shelf->exchange();
  flip_byte(shards(folder / "store").at(0), entry_bytes + 30);  // within the index

  FeatureStore second(on_disk(folder / "store"));
  shelf = second.shelf(named("n"), entry_bytes);
  CHECK_FALSE(shelf->contains(named("entry 0")));
  add(*shelf, 0);
  shelf->exchange();
  CHECK(shards(folder / "store").size() == 1);
  CHECK(has(*shelf, 0));
}

TEST_CASE("processes that write at the same time lose nothing") {
  const TemporaryFolder folder;
  std::vector<pid_t> children;
  for (int writer = 0; writer < 4; ++writer) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    FeatureStore store(on_disk(folder / "store"));
    const auto shelf = store.shelf(named("n"), entry_bytes);
    for (int i = 0; i < 40; ++i) {
      add(*shelf, writer * 20 + i);  // half of them also written by the next process
      if (i % 5 == 0) shelf->exchange();
    }
    shelf->exchange();
    ::_exit(0);
  }
  for (const pid_t child : children)
    ::waitpid(child, nullptr, 0);
  FeatureStore store(on_disk(folder / "store"));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  check_has_first(*shelf, 100);
}

TEST_CASE("what was used longest ago goes when the folder is full") {
  const TemporaryFolder folder;
  const fs::path root = folder / "store";
  const StoreOptions small{root, 5 * entry_bytes, 1 << 20};
  const auto fill = [&](const std::string& shelf_name) {
    FeatureStore store(small);
    const auto shelf = store.shelf(named(shelf_name), entry_bytes);
    add(*shelf, 0);
    add(*shelf, 1);
    shelf->exchange();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  const auto holds = [&](const std::string& shelf_name) {
    return FeatureStore(small).shelf(named(shelf_name), entry_bytes)->contains(named("entry 0"));
  };
  fill("old");
  fill("new");
  CHECK(holds("new"));
  CHECK(holds("old"));  // and so it is now the one that was used last
  fill("third");
  CHECK(holds("third"));
  CHECK(holds("old"));
  CHECK_FALSE(holds("new"));
  std::uintmax_t bytes = 0;
  for (const auto& file : shards(root))
    bytes += fs::file_size(file);
  CHECK(bytes <= 5 * entry_bytes);
}

TEST_CASE("files that are not the store's never go") {
  const TemporaryFolder folder;
  const fs::path root = folder / "store";
  const std::string digest_name(32, 'a');
  for (const fs::path file : {"mine.shard", "data/part-000.shard", "data/aa.shard"}) {
    fs::create_directories((root / file).parent_path());
    std::ofstream(root / file) << std::string(20 * entry_bytes, 'x');
  }
  std::ofstream(root / (digest_name + ".shard")) << "not in a shelf";
  FeatureStore store({root, 3 * entry_bytes, 1 << 20});
  for (int i = 0; i < 4; ++i) {
    const auto shelf = store.shelf(named(std::to_string(i)), entry_bytes);
    add(*shelf, i);
    shelf->exchange();
  }
  for (const fs::path file : {"mine.shard", "data/part-000.shard", "data/aa.shard"})
    CHECK(fs::exists(root / file));
  CHECK(fs::exists(root / (digest_name + ".shard")));
}

TEST_CASE("a store that can't keep everything on disk goes on in memory") {
  const TemporaryFolder folder;
  FeatureStore store({folder / "store", 2 * entry_bytes, 100 * entry_bytes});
  const auto shelf = store.shelf(named("n"), entry_bytes);
  for (int i = 0; i < 10; ++i)
    add(*shelf, i);
  shelf->exchange();
  check_has_first(*shelf, 10);
  CHECK(store.place() == "memory");
}

TEST_CASE("a folder that can't be written is no reason to stop") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "no folder";
  FeatureStore store(on_disk(folder / "file" / "store"));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  add(*shelf, 0);
  CHECK(shelf->claim(named("work")) != nullptr);
  shelf->exchange();
  CHECK(has(*shelf, 0));
  CHECK(store.place() == "memory");
}

TEST_CASE("one process at a time has a claim, and a dead one has none") {
  const TemporaryFolder folder;
  FeatureStore store(on_disk(folder / "store"));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  const auto other_can_claim = [&] {
    return in_another_process([&]() -> int {
             FeatureStore other(on_disk(folder / "store"));
             const auto claim = other.shelf(named("n"), entry_bytes)->claim(named("work"));
             ::_exit(claim ? 1 : 0);  // dies with it
           }) == 1;
  };
  {
    const auto claim = shelf->claim(named("work"));
    REQUIRE(claim);
    CHECK_FALSE(other_can_claim());
    CHECK(shelf->claim(named("other work")));
  }
  CHECK(other_can_claim());  // it was given back
  CHECK(other_can_claim());  // the last one died with it
  CHECK(shelf->claim(named("work")));
}

TEST_CASE("a claim is its living owner's however long the work takes") {
  const TemporaryFolder folder;
  FeatureStore store(on_disk(folder / "store"));
  const auto shelf = store.shelf(named("n"), entry_bytes);
  const auto claim = shelf->claim(named("work"));
  const fs::path file =
      folder / "store" / hexadecimal(named("n")) / ("claim-" + hexadecimal(named("work")));
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(3));
  CHECK_FALSE(shelf->claim(named("work")));

  // Another process of our number that is dead, or one of another machine that is silent.
  std::ofstream(file) << ::getpid() << " elsewhere 1\n";
  CHECK_FALSE(shelf->claim(named("work")));
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::minutes(3));
  CHECK(shelf->claim(named("work")));
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::ofstream(file) << ::getpid() << ' ' << host.data() << " 1\n";
  CHECK(shelf->claim(named("work")));
}

TEST_CASE("what another living process uses is not removed") {
  const TemporaryFolder folder;
  StoreOptions options = on_disk(folder / "store");
  int ready[2];
  int go_on[2];
  REQUIRE((::pipe(ready) == 0 && ::pipe(go_on) == 0));
  char byte = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    FeatureStore other(options);
    const auto shelf = other.shelf(named("theirs"), entry_bytes);
    for (int i = 0; i < 50; ++i)
      add(*shelf, i);
    shelf->exchange();
    const bool told = ::write(ready[1], "x", 1) == 1 && ::read(go_on[0], &byte, 1) == 1;
    ::_exit(told ? 0 : 1);  // without removing its mark
  }
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  options.disk_bytes = 70 * entry_bytes;
  const auto fill = [&](const char* key) {
    FeatureStore ours(options);
    const auto shelf = ours.shelf(named(key), entry_bytes);
    for (int i = 0; i < 50; ++i)
      add(*shelf, i);
    shelf->exchange();
  };
  fill("ours");  // there is no room: it stays in memory
  CHECK(shards(folder / "store" / hexadecimal(named("theirs"))).size() == 1);
  REQUIRE(::write(go_on[1], "x", 1) == 1);
  int status = 1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  fill("ours");
  CHECK_FALSE(fs::exists(folder / "store" / hexadecimal(named("theirs"))));
}
