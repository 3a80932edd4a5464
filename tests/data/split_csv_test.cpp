#include "data/scratch.h"
#include "tl/data/dataset.h"

namespace tl {
namespace {

using test::caught;
using test::has;
using test::Scratch;

Dataset small_dataset() {
  Dataset dataset;
  dataset.classes = {"a", "b, \"c\""};
  dataset.samples = {{"a/1.png", 0, Split::train, 0}, {"b, \"c\"/2.png", 1, Split::test, 0}};
  dataset.skipped = {{"a/x.png", "is empty"}};
  return dataset;
}

}  // namespace

TEST_CASE("a written split is read back") {
  const Scratch scratch;
  const auto file = scratch.folder() / "split.csv";
  const Dataset written = small_dataset();
  write_split_csv(written, file);
  const Dataset read = read_split_csv(file, "/some/root");
  CHECK(read.root == "/some/root");
  CHECK(read.classes == written.classes);
  CHECK_FALSE(read.has_own_splits);
  REQUIRE(read.samples.size() == 2);
  CHECK(read.samples[1].path == "b, \"c\"/2.png");
  CHECK(read.samples[1].label == 1);
  CHECK(read.samples[1].split == Split::test);
  CHECK(read.samples[0].id != read.samples[1].id);
}

TEST_CASE("skipped files are written with their reason") {
  const Scratch scratch;
  const auto file = scratch.folder() / "skipped.csv";
  write_skipped_csv(small_dataset(), file);
  std::string text;
  std::getline(std::ifstream(file), text, '\0');
  CHECK(text == "path,reason\na/x.png,is empty\n");
}

TEST_CASE("a broken split file is an error that names the record") {
  const Scratch scratch;
  const auto error_of = [&](const std::string& text) {
    const auto file = scratch.write("split.csv", text);
    const Error error = caught([&] { read_split_csv(file, "/r"); });
    CHECK(error.code() == ExitCode::data);
    return error.report();
  };
  CHECK(has(error_of(""), "record 1"));
  CHECK(has(error_of("file,class,split\n"), "no header"));
  CHECK(has(error_of("path,class,split\na/1,a,train\nb/1,b\n"), "record 3"));
  CHECK(has(error_of("path,class,split\na/1,a,dev\n"), "\"dev\" is no split"));
}

TEST_CASE("a split file that is absent is an error") {
  CHECK(caught([] { read_split_csv("/nowhere/split.csv", "/r"); }).code() == ExitCode::data);
}

}  // namespace tl
