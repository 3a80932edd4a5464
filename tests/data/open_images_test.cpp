#include "data/scratch.h"
#include "tl/data/dataset.h"

namespace tl {
namespace {

using test::has;
using test::plain_png;
using test::Scratch;
using Names = std::vector<std::string>;

Names paths_of(const Dataset& dataset) {
  Names paths;
  for (const Sample& sample : dataset.samples)
    paths.push_back(sample.path);
  return paths;
}

}  // namespace

TEST_CASE("images are found by their content, at any depth, sorted; the rest is listed") {
  const Scratch scratch;
  for (const char* name : {"b.jfif", "a/x", "c.jpg_large", ".hidden.png"})
    scratch.write(name, plain_png());
  scratch.write("a/readme.txt", "text");
  scratch.write("d.gif", "GIF89a");
  const std::string root = scratch.folder().string();
  const Dataset dataset = open_images({scratch.folder()}, {2});
  CHECK(paths_of(dataset) == Names{root + "/a/x", root + "/b.jfif", root + "/c.jpg_large"});
  REQUIRE(dataset.skipped.size() == 2);
  CHECK(dataset.skipped[0].path == root + "/a/readme.txt");
  CHECK(has(dataset.skipped[0].reason, "is no image"));
  CHECK(has(dataset.skipped[1].reason, "is a GIF"));
}

TEST_CASE("a file that is named is taken, whatever it is called") {
  const Scratch scratch;
  const auto file = scratch.write("photo", plain_png());
  CHECK(paths_of(open_images({file}, {1})) == Names{file.string()});
}

TEST_CASE("a path that leads nowhere is skipped, and the others are taken") {
  const Scratch scratch;
  const auto file = scratch.write("photo.png", plain_png());
  const Dataset dataset = open_images({"/nowhere/at/all", file}, {1});
  CHECK(paths_of(dataset) == Names{file.string()});
  REQUIRE(dataset.skipped.size() == 1);
  CHECK(dataset.skipped[0].path == "/nowhere/at/all");
  CHECK(has(dataset.skipped[0].reason, "No such file"));
}

}  // namespace tl
