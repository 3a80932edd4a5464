#include "data/scratch.h"
#include "tl/data/dataset.h"

namespace tl {

using test::caught;
using test::Scratch;

TEST_CASE("images are found by their names, at any depth, sorted") {
  const Scratch scratch;
  for (const char* name : {"b.JPG", "a/x.webp", "a/readme.txt", ".hidden.png", "c.jpeg"}) {
    scratch.write(name, "x");
  }
  const auto& root = scratch.folder();
  CHECK(find_images(root) ==
        std::vector<std::filesystem::path>{root / "a/x.webp", root / "b.JPG", root / "c.jpeg"});
}

TEST_CASE("a file that is named is taken, whatever it is called") {
  const Scratch scratch;
  const auto file = scratch.write("photo", "x");
  CHECK(find_images(file) == std::vector<std::filesystem::path>{file});
}

TEST_CASE("a path that leads nowhere is an error of the data") {
  CHECK(caught([] { find_images("/nowhere/at/all"); }).code() == ExitCode::data);
}

}  // namespace tl
