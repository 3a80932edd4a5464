#include "data/layout.h"

#include "data/scratch.h"

namespace tl {
namespace {

using test::caught;
using test::has;
using test::plain_png;
using test::Scratch;
using Names = std::vector<std::string>;

void fill(const Scratch& scratch, const Names& folders) {
  for (const std::string& folder : folders)
    scratch.write(folder + "/1.png", plain_png());
}

// "split class path" of each folder.
Names read(const Scratch& scratch, const Names& classes = {}) {
  Names found;
  for (const ClassFolder& folder : read_layout(scratch.folder(), classes).folders)
    found.push_back(std::string(split_name(folder.split)) + " " + folder.class_name + " " +
                    folder.path);
  std::sort(found.begin(), found.end());
  return found;
}

std::string refusal(const Names& folders) {
  const Scratch scratch;
  fill(scratch, folders);
  const Error error =
      caught([&] { require_training_splits(read_layout(scratch.folder()), scratch.folder()); });
  CHECK(error.code() == ExitCode::data);
  CHECK(!error.hint().empty());
  return error.what();
}

}  // namespace

TEST_CASE("splits are read in each of their usual spellings") {
  const Names trains = {"train", "Train", "TRAINING"}, vals = {"val", "Valid", "validation", "dev"},
              tests = {"test", "Testing"};
  for (const std::string& train : trains) {
    for (const std::string& val : vals) {
      for (const std::string& test : tests) {
        const Scratch scratch;
        fill(scratch, {train + "/a", train + "/b", val + "/a", val + "/b", test + "/a"});
        CHECK(read(scratch) == Names{"test a " + test + "/a", "train a " + train + "/a",
                                     "train b " + train + "/b", "val a " + val + "/a",
                                     "val b " + val + "/b"});
      }
    }
  }
}

TEST_CASE("a split may be missing, but not train") {
  const Scratch scratch;
  fill(scratch, {"Training/a", "Training/b", "Testing/a", "Testing/b"});
  CHECK(read(scratch).size() == 4);
  CHECK(has(refusal({"val/a", "val/b", "test/a", "test/b"}), "none called train"));
  CHECK(has(refusal({"train/a", "train/b"}), "folder train"));
  CHECK(has(refusal({"train/a", "train/b", "more/a", "more/b"}), "folder train"));
}

TEST_CASE("classes may hold the splits") {
  const Scratch scratch;
  fill(scratch, {"a/train", "a/val", "b/train", "b/val", "b/test"});
  CHECK(read(scratch) ==
        Names{"test b b/test", "train a a/train", "train b b/train", "val a a/val", "val b b/val"});
  CHECK(read(scratch, {"a", "b"}).size() == 5);  // for evaluation too
  fill(scratch, {"c"});
  CHECK(has(caught([&] { read(scratch); }).what(), "the folder a holds splits (train, val)"));
}

TEST_CASE("folders that hold the same folders are no classes") {
  for (const Names& parts : std::vector<Names>{
           {"fold1", "fold2"}, {"images", "masks"}, {"a", "b", "c"}, {"2019", "2020"}}) {
    Names folders;
    for (const std::string& part : parts) {
      for (const char* class_name : {"daisy", "rose", "tulip"})
        folders.push_back(part + "/" + class_name);
    }
    const std::string said = refusal(folders);
    CHECK(has(said, parts[0] + ", " + parts[1]));
    CHECK(has(said, "daisy, rose, tulip"));
    folders.pop_back();  // one class is missing somewhere
    CHECK(has(refusal(folders), "look like parts"));
  }
}

TEST_CASE("albums within classes are none of that") {
  const Scratch scratch;
  fill(scratch, {"cat/indoor", "cat/tabby", "cat/young", "dog/indoor", "dog/poodle", "eel"});
  CHECK(read(scratch) == Names{"train cat cat", "train dog dog", "train eel eel"});
}

TEST_CASE("classes with images of their own may be called as they like") {
  const Scratch scratch;
  fill(scratch, {"train", "bus", "car", "train/steam", "bus/old", "car/old"});
  CHECK(read(scratch) == Names{"train bus bus", "train car car", "train train train"});
}

TEST_CASE("two folders for one split, and splits without classes, are refused") {
  CHECK(has(refusal({"train/a", "train/b", "val/a", "val/b", "dev/a", "dev/b"}),
            "the folders dev and val are both the val split"));
  CHECK(has(refusal({"train", "test"}), "holds no class folders"));
}

TEST_CASE("a class of the model is no split, whatever it is called") {
  const Scratch scratch;
  fill(scratch, {"test/deep", "val/deep"});
  CHECK(read(scratch, {"test", "val"}) == Names{"train test test", "train val val"});
  CHECK(read(scratch, {"deep", "x"}) == Names{"test deep test/deep", "val deep val/deep"});
}

}  // namespace tl
