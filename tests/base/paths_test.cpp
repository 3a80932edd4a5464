#include "tl/base/paths.h"

#include "catch.h"
#include "temporary_folder.h"

namespace fs = std::filesystem;
using tl::short_path;

TEST_CASE("dots go, and links on the way stay as they are") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "a/b");
  fs::create_directory_symlink("a", folder.path() / "link");
  CHECK(short_path(folder.path() / "a/./b/../b/x") == folder.path() / "a/b/x");
  CHECK(short_path(folder.path() / "link/b/../x") == folder.path() / "link/x");
  CHECK(short_path(folder.path() / "none/../x") == folder.path() / "x");
  CHECK(short_path("/") == "/");
}

TEST_CASE("the way back from a link is where the link leads to") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "far/away/data");
  fs::create_directory_symlink("far/away/data", folder.path() / "link");
  const fs::path back = short_path(folder.path() / "link/../photos");
  CHECK(back == fs::canonical(folder.path()) / "far/away/photos");
}
