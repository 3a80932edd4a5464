#include "tl/base/files.h"

#include "catch.h"
#include "error_of.h"
#include "resource_limit.h"
#include "temporary_folder.h"

#include <algorithm>
#include <csignal>
#include <sys/stat.h>

namespace fs = std::filesystem;
using tl::ExitCode;

namespace {

std::ptrdiff_t entries(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

// As long as it lives, files end at so many bytes, as on a disk that is full.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes = 1000) : limit_(RLIMIT_FSIZE, bytes) {}
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;
  ~SmallFiles() { std::signal(SIGXFSZ, handler_); }

 private:
  void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
  ResourceLimit limit_;
};

}  // namespace

TEST_CASE("what is written is read again, and nothing lies beside it") {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\r\n", 5);
  tl::write_file(folder / "file", bytes);
  CHECK(tl::read_file(folder / "file", ExitCode::data) == bytes);
  tl::write_file(folder / "file", "");
  CHECK(tl::read_file(folder / "file", ExitCode::data).empty());
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a written file has the permissions that the umask leaves") {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  tl::write_file(folder / "file", "x");
  umask(before);
  CHECK(static_cast<unsigned>(fs::status(folder / "file").permissions()) == 0640);
}

TEST_CASE("a file that can't be read is an error with the caller's code") {
  const TemporaryFolder folder;
  const auto missing = error_of([&] { tl::read_file(folder / "none", ExitCode::model); });
  CHECK(missing.code() == ExitCode::model);
  CHECK(missing.where() == (folder / "none").string());
  CHECK(std::string(missing.what()) == "can't read the file: No such file or directory");
  CHECK_THROWS_AS(tl::read_file(folder.path(), ExitCode::data), tl::Error);
}

TEST_CASE("a machine without another open file to give says nothing about the file") {
  const TemporaryFolder folder;
  tl::write_file(folder / "file", "x");
  const auto limit = no_more_files();
  const auto error = error_of([&] { tl::read_file(folder / "file", ExitCode::data); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(std::string(error.what()) == "can't read the file: Too many open files");
  CHECK(has(error.hint(), "ulimit -n"));
}

TEST_CASE("a full disk is an error, keeps the old file and leaves nothing behind") {
  const TemporaryFolder folder;
  tl::write_file(folder / "file", "old");
  const SmallFiles limit;
  const auto error = error_of([&] { tl::write_file(folder / "file", std::string(5000, 'x')); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(std::string(error.what()) == "can't write the file: File too large");
  CHECK(has(error.hint(), "ulimit"));
  CHECK(error.where() == (folder / "file").string());
  CHECK(tl::read_file(folder / "file", ExitCode::data) == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a replaced file is kept under the other name") {
  const TemporaryFolder folder;
  const auto read = [&](const char* name) { return tl::read_file(folder / name, ExitCode::data); };
  tl::replace_file(folder / "file", folder / "previous", "one");
  CHECK(entries(folder.path()) == 1);
  tl::replace_file(folder / "file", folder / "previous", "two");
  tl::replace_file(folder / "file", folder / "previous", "three");
  CHECK(read("file") == "three");
  CHECK(read("previous") == "two");

  const SmallFiles limit;
  const std::string large(5000, 'x');
  CHECK_THROWS_AS(tl::replace_file(folder / "file", folder / "previous", large), tl::Error);
  CHECK(read("file") == "three");
  CHECK(read("previous") == "two");
  CHECK(entries(folder.path()) == 2);
}

TEST_CASE("what a killed process left half written can be removed") {
  const TemporaryFolder folder;
  tl::write_file(folder / ".tmp-4711-0", "half");
  tl::write_file(folder / "file", "whole");
  CHECK(tl::is_temporary(folder / ".tmp-4711-0"));
  CHECK_FALSE(tl::is_temporary(folder / "file"));
  tl::remove_temporary_files(folder.path());
  CHECK(entries(folder.path()) == 1);
  tl::remove_temporary_files(folder / "no such folder");
}

TEST_CASE("what may still be written by another process stays") {
  const TemporaryFolder folder;
  tl::write_file(folder / ".tmp-4711-0", "old");
  tl::write_file(folder / ".tmp-4712-0", "new");
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(folder / ".tmp-4711-0", now - std::chrono::minutes(61));
  tl::remove_temporary_files(folder.path(), std::chrono::hours(1));
  CHECK_FALSE(fs::exists(folder / ".tmp-4711-0"));
  CHECK(fs::exists(folder / ".tmp-4712-0"));
}

TEST_CASE("writing where it can't be is an error with a hint") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "taken");
  for (const auto& path : {folder / "no/such/file", folder / "taken"}) {
    const auto error = error_of([&] { tl::write_file(path, "x"); });
    CHECK(error.code() == ExitCode::failure);
  }
  CHECK_FALSE(error_of([&] { tl::write_file(folder / "no/file", "x"); }).hint().empty());
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a writable folder is made, and the trial leaves nothing") {
  const TemporaryFolder folder;
  tl::make_writable_folder(folder / "a/b");
  tl::make_writable_folder(folder / "a/b");
  CHECK(fs::is_empty(folder / "a/b"));
}

TEST_CASE("a folder on a full disk is no usage error") {
  const TemporaryFolder folder;
  const SmallFiles limit(0);
  const auto error = error_of([&] { tl::make_writable_folder(folder / "new"); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(has(error.what(), "File too large"));
}

TEST_CASE("a folder that can't be made or written is a usage error") {
  const TemporaryFolder folder;
  tl::write_file(folder / "file", "x");
  for (const fs::path& path : {folder / "file", folder / "file/below", fs::path("/proc/none")}) {
    const auto error = error_of([&] { tl::make_writable_folder(path); });
    CHECK(error.code() == ExitCode::usage);
    CHECK(error.where() == path.string());
  }
  CHECK(error_of([] { tl::make_writable_folder("/proc"); }).code() == ExitCode::usage);
}
