#include "data/image_file.h"

#include "data/scratch.h"

#include <filesystem>

namespace tl {
namespace {

namespace fs = std::filesystem;
using test::caught;
using test::has;
using test::plain_png;
using test::Scratch;

// With holes: it takes no room on the disk.
fs::path long_file(const Scratch& scratch, const std::string& start, std::uintmax_t size) {
  const fs::path path = scratch.write("long", start);
  fs::resize_file(path, size);
  return path;
}

bool is_unusable(const fs::path& path) {
  try {
    read_image(path);
  } catch (const Unusable&) {
    return true;
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::data);
  }
  return false;
}

}  // namespace

TEST_CASE("an image is read whole") {
  const Scratch scratch;
  for (const std::size_t more : {0, 600, 100'000}) {
    const std::string bytes = plain_png() + std::string(more, 'x');
    CHECK(read_image(scratch.write("a.png", bytes)) == bytes);
  }
}

TEST_CASE("a file that begins like no image is not read on, however long it is") {
  const Scratch scratch;
  const auto archive = long_file(scratch, "PK\x03\x04", std::uintmax_t{1} << 36);
  CHECK(has(caught([&] { read_image(archive); }).what(), "is a ZIP archive"));
  const auto zeros = long_file(scratch, "", std::uintmax_t{1} << 36);
  CHECK(has(caught([&] { read_image(zeros); }).what(), "is no image"));
}

TEST_CASE("an image file of 2 GiB and more is refused before it is read") {
  const Scratch scratch;
  const auto path = long_file(scratch, plain_png(), (std::uintmax_t{1} << 31) + 5);
  CHECK(has(caught([&] { read_image(path); }).what(), "is too large: 2.1 GB"));
}

TEST_CASE("what is no file is unusable; what can't be read may be an image") {
  const Scratch scratch;
  fs::create_symlink("/nowhere/x.png", scratch.folder() / "dangling.png");
  fs::create_symlink("knot.png", scratch.folder() / "knot.png");
  CHECK(is_unusable(scratch.folder() / "dangling.png"));
  CHECK(is_unusable(scratch.folder() / "knot.png"));
  CHECK(is_unusable(scratch.folder()));
  CHECK_FALSE(is_unusable(scratch.folder() / "gone.png"));
}

TEST_CASE("the first bytes tell an image") {
  const Scratch scratch;
  CHECK(begins_like_an_image(scratch.write("a", plain_png())));
  CHECK_FALSE(begins_like_an_image(scratch.write("b.png", "text")));
  CHECK_FALSE(begins_like_an_image(scratch.folder() / "none.png"));
}

}  // namespace tl
