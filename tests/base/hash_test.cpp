#include "tl/base/hash.h"

#include "catch.h"
#include "temporary_folder.h"
#include "tl/base/error.h"
#include "tl/base/files.h"

// The values for no bytes are published with XXH3.
TEST_CASE("hashes are XXH3") {
  CHECK(tl::content_hash("") == "99aa06d3014798d86001c324468d497f");
  CHECK(tl::hash64("") == 0x2d06800538d394c2);
}

TEST_CASE("a file hashes like its bytes") {
  const TemporaryFolder folder;
  std::string bytes(200'000, 'x');  // longer than one piece
  bytes[150'000] = '\0';
  tl::write_file(folder / "bytes", bytes);
  CHECK(tl::file_hash(folder / "bytes") == tl::content_hash(bytes));
  bytes[199'999] = 'y';
  CHECK(tl::file_hash(folder / "bytes") != tl::content_hash(bytes));
}

TEST_CASE("hashing what can't be read is a data error that names it") {
  const TemporaryFolder folder;
  for (const auto& path : {folder / "missing", folder.path()}) {
    try {
      tl::file_hash(path);
      FAIL("hashed " << path);
    } catch (const tl::Error& error) {
      CHECK(error.code() == tl::ExitCode::data);
      CHECK(error.where() == path.string());
    }
  }
}
