#include "data/verify.h"

#include "open_dataset.h"
#include "resource_limit.h"
#include "scratch.h"
#include "tl/data/dataset.h"

#include <atomic>

using namespace tl;
using namespace tl::test;

TEST_CASE("a stop is heard while images are checked and while they are read") {
  const Scratch scratch;
  add_images(scratch, "a", 3);
  add_images(scratch, "b", 3);
  DataOptions options;
  options.root = scratch.folder();
  Dataset dataset = open_dataset(options, 1, {2});
  const CheckOptions stopped{2, {}, [] { return true; }};
  CHECK(caught([&] { open_dataset(options, 1, stopped); }).code() == ExitCode::interrupted);
  CHECK(caught([&] { read_contents(dataset, stopped); }).code() == ExitCode::interrupted);
}

TEST_CASE("an error ends the check at once, and is the one that comes first") {
  const Scratch scratch;
  scratch.write("good.png", plain_png());
  scratch.write("bad.png", "text");
  scratch.write("empty.png", "");
  std::vector<std::string> paths(1000, "good.png");
  paths[7] = "bad.png";
  paths[8] = "empty.png";
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> begun = 0;
    const CheckOptions how{4, {}, [&] { return ++begun < 0; }};
    const auto refuse = [](const std::string& path, const Verified&) {
      throw Error(ExitCode::data, path);
    };
    const Error error = caught([&] { verify_images(scratch.folder(), paths, how, refuse); });
    CHECK(std::string(error.what()) == "bad.png");
    CHECK(begun < 900);
  }
}

TEST_CASE("an image that the machine can't open now is not called bad") {
  const Scratch scratch;
  scratch.write("a.png", plain_png());
  const std::vector<std::string> paths = {"a.png", "a.png"};
  CHECK(verify_images(scratch.folder(), paths, {2}).at(0).reason.empty());
  const auto limit = no_more_files();
  const Error error = caught([&] { verify_images(scratch.folder(), paths, {2}); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(has(error.what(), "Too many open files"));
}
