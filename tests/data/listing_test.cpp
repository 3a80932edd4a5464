#include "data/listing.h"

#include "data/scratch.h"

namespace tl {
namespace {

namespace fs = std::filesystem;
using test::caught;
using test::Scratch;
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("files are found at any depth, sorted, hidden ones passed over") {
  const Scratch scratch;
  for (const char* name : {"b.png", "a/2.png", "a/10.png", "a/b/c.png", ".hidden.png", ".DS_Store",
                           ".cache/x.png", "a/.git/y.png"}) {
    scratch.write(name, "x");
  }
  CHECK(files_under(scratch.folder()) == Names{"a/10.png", "a/2.png", "a/b/c.png", "b.png"});
  CHECK(subfolders(scratch.folder()) == Names{"a"});
}

TEST_CASE("links are followed, but never round in a circle") {
  const Scratch scratch;
  scratch.write("inside/a/1.png", "x");
  scratch.write("outside/2.png", "x");
  const fs::path inside = scratch.folder() / "inside";
  fs::create_directory_symlink(scratch.folder() / "outside", inside / "linked");
  fs::create_directory_symlink(inside, inside / "a" / "self");
  fs::create_directory_symlink("/", inside / "a" / "everything");
  fs::create_directory_symlink(scratch.folder() / "outside", scratch.folder() / "outside" / "loop");
  CHECK(files_under(inside) == Names{"a/1.png", "linked/2.png"});
}

TEST_CASE("a link back to the root or above is no class, a link to another folder is") {
  const Scratch scratch;
  scratch.write("root/a/1.png", "x");
  scratch.write("root/b/2.png", "x");
  scratch.write("outside/3.png", "x");
  const fs::path root = scratch.folder() / "root";
  fs::create_directory_symlink(".", root / "here");
  fs::create_directory_symlink("..", root / "above");
  fs::create_directory_symlink("knot", root / "knot");  // leads nowhere: ELOOP
  fs::create_directory_symlink("../outside", root / "c");
  CHECK(subfolders(root) == Names{"a", "b", "c"});
}

TEST_CASE("a broken link is listed as a file, for the decoder to reject") {
  const Scratch scratch;
  fs::create_symlink("/nowhere/x.png", scratch.folder() / "x.png");
  CHECK(files_under(scratch.folder()) == Names{"x.png"});
}

TEST_CASE("a folder that is not there is an error") {
  const Scratch scratch;
  const auto absent = scratch.folder() / "absent";
  CHECK(caught([&] { files_under(absent); }).code() == ExitCode::data);
  CHECK(caught([&] { subfolders(absent); }).where() == absent.string());
}

TEST_CASE("a folder holds images where a file begins as one") {
  const Scratch scratch;
  scratch.write("images/deep/1.png", "x");
  scratch.write("images/notes.txt", "text");
  CHECK_FALSE(holds_images(scratch.folder() / "images"));
  scratch.write("images/scan", test::plain_png());
  CHECK(holds_images(scratch.folder() / "images"));
}

}  // namespace tl
