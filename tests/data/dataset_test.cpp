#include "tl/data/dataset.h"

#include "data/scratch.h"
#include "open_dataset.h"
#include "tl/data/image_cache.h"

#include <algorithm>
#include <atomic>

namespace tl {
namespace {

using test::add_images;
using test::caught;
using test::encoded;
using test::has;
using test::Scratch;
using Names = std::vector<std::string>;
using Counts = std::vector<std::int64_t>;

DataOptions options_for(const Scratch& scratch) {
  DataOptions options;
  options.root = scratch.folder();
  options.val = 0.2;
  options.test = 0.2;
  return options;
}

std::string error_of(const DataOptions& options) {
  const Error error = caught([&] { open_dataset(options, 1, {2}); });
  CHECK(error.code() == ExitCode::data);
  CHECK(!error.hint().empty());
  return error.report();
}

}  // namespace

TEST_CASE("class folders become labelled samples with splits") {
  const Scratch scratch;
  add_images(scratch, "tulip", 10);
  add_images(scratch, "daisy", 20);
  add_images(scratch, ".cache", 3);
  scratch.write("LICENSE.txt", "belongs to no class");
  const Dataset dataset = open_dataset(options_for(scratch), 1, {2});
  CHECK(dataset.classes == Names{"daisy", "tulip"});
  CHECK_FALSE(dataset.has_own_splits);
  CHECK(dataset.class_counts(Split::train) == Counts{12, 6});
  CHECK(dataset.class_counts(Split::val) == Counts{4, 2});
  CHECK(dataset.class_counts(Split::test) == Counts{4, 2});
  CHECK(dataset.indices(Split::val).size() == 6);
  CHECK(std::is_sorted(dataset.samples.begin(), dataset.samples.end(),
                       [](const Sample& a, const Sample& b) { return a.path < b.path; }));
  for (const Sample& sample : dataset.samples) {
    CHECK(sample.path.starts_with(dataset.classes[sample.label] + "/"));
  }
}

TEST_CASE("images that are decoded to be checked are kept, and the rest is checked all the same") {
  const Scratch scratch;
  add_images(scratch, "a", 4);
  add_images(scratch, "b", 4);
  scratch.write("b/no_image.png", "text");
  const std::uint64_t one = 8 * 10 * 3;  // bytes
  for (const std::ptrdiff_t room : {0, 3, 100}) {
    ImageCache images(static_cast<std::uint64_t>(room) * one, 8);
    const Dataset dataset = open_dataset(options_for(scratch), 1, {2, {}, {}, &images});
    CHECK(dataset.samples.size() == 8);
    CHECK(dataset.skipped.size() == 1);
    const auto kept =
        std::count_if(dataset.samples.begin(), dataset.samples.end(),
                      [&](const Sample& sample) { return !images.find(sample.content).empty(); });
    CHECK(kept == std::min<std::ptrdiff_t>(room, 8));
  }
}

TEST_CASE("a root with train and val keeps its splits, and classes are matched by name") {
  const Scratch scratch;
  for (const char* split : {"train", "val", "test"}) {
    add_images(scratch, std::string(split) + "/cat", 2);
    add_images(scratch, std::string(split) + "/dog", 3);
  }
  const Dataset dataset = open_dataset(options_for(scratch), 1, {1});
  CHECK(dataset.has_own_splits);
  CHECK(dataset.classes == Names{"cat", "dog"});
  for (const Split split : {Split::train, Split::val, Split::test}) {
    CHECK(dataset.class_counts(split) == Counts{2, 3});
  }
}

TEST_CASE("bad images are skipped with their reason, or are fatal") {
  const Scratch scratch;
  add_images(scratch, "a", 5);
  add_images(scratch, "b", 5);
  scratch.write("a/animated.jpg", "GIF89a...");
  scratch.write("b/empty.png", "");
  scratch.write("b/notes.txt", "text");
  scratch.write("b/.DS_Store", "passed over");
  DataOptions options = options_for(scratch);
  const Dataset dataset = open_dataset(options, 1, {2});
  CHECK(dataset.samples.size() == 10);
  REQUIRE(dataset.skipped.size() == 3);
  CHECK(dataset.skipped[0].path == "a/animated.jpg");
  CHECK(dataset.skipped[0].reason == "the file is a GIF, which is not supported");
  CHECK(dataset.skipped[1].reason == "the file is empty");
  CHECK(has(dataset.skipped[2].reason, "is no image"));

  options.on_bad_image = BadImage::fail;
  CHECK(has(error_of(options), "animated.jpg"));
}

TEST_CASE("samples know the size and the content of their image") {
  const Scratch scratch;
  add_images(scratch, "a", 5);
  add_images(scratch, "b", 4);
  const cv::Mat image(40, 60, CV_8UC3, cv::Scalar::all(7));
  for (const std::string extension : {".jpg", ".png", ".bmp", ".tiff", ".webp", ".ppm"})
    scratch.write("b/large" + extension, test::encoded(extension, image));
  Dataset dataset = open_dataset(options_for(scratch), 1, {2});
  REQUIRE(dataset.samples.size() == 15);
  for (const Sample& sample : dataset.samples) {
    INFO(sample.path);
    const bool large = has(sample.path, "large");
    CHECK(sample.width == (large ? 60 : 10));
    CHECK(sample.height == (large ? 40 : 8));
  }
  const auto first = cv::imread((scratch.folder() / dataset.samples[0].path).string());
  CHECK(dataset.samples[0].content == digest(encoded(".png", first)));
  CHECK(dataset.samples[0].content != dataset.samples[1].content);
}

TEST_CASE("progress reaches the end") {
  const Scratch scratch;
  add_images(scratch, "a", 70);
  add_images(scratch, "b", 70);
  std::atomic<std::size_t> furthest = 0;
  const auto progress = [&](std::size_t done, std::size_t total) {
    CHECK(total == 140);
    if (done > furthest) furthest = done;
  };
  open_dataset(options_for(scratch), 1, {2, progress});
  CHECK(furthest == 140);
}

TEST_CASE("folders that cannot be trained on are errors") {
  const Scratch scratch;
  DataOptions options = options_for(scratch);
  CHECK(has(error_of(options), "at least two class folders"));
  add_images(scratch, "only", 5);
  CHECK(has(error_of(options), "found only only"));
  scratch.write("other/no_image.jpg", "text");
  CHECK(has(error_of(options), "class \"other\" has no usable image"));
  options.root = scratch.folder() / "absent";
  CHECK(has(error_of(options), "absent"));
}

TEST_CASE("files that are all unusable are an error") {
  const Scratch scratch;
  scratch.write("a/1.jpg", "text");
  scratch.write("b/1.jpg", "text");
  CHECK(has(error_of(options_for(scratch)), "no images found (2 unusable files)"));
}

TEST_CASE("a class absent from train or val is an error that names both") {
  const Scratch scratch;
  add_images(scratch, "train/a", 2);
  add_images(scratch, "train/b", 2);
  add_images(scratch, "val/a", 2);
  CHECK(has(error_of(options_for(scratch)), "class \"b\" has no usable image in val/"));
  add_images(scratch, "val/b", 2);
  add_images(scratch, "val/c", 2);
  CHECK(has(error_of(options_for(scratch)), "class \"c\" has no usable image in train/"));
}

TEST_CASE("a class absent from test is trained on") {
  const Scratch scratch;
  for (const char* folder : {"train/a", "train/b", "val/a", "val/b", "test/a"})
    add_images(scratch, folder, 2);
  const Dataset dataset = open_dataset(options_for(scratch), 1, {1});
  CHECK(dataset.class_counts(Split::test) == Counts{2, 0});
}

TEST_CASE("without val it is drawn from train, and test stays as it is") {
  const Scratch scratch;
  for (const char* folder : {"Training/a", "Training/b", "Testing/a", "Testing/b"})
    add_images(scratch, folder, 10);
  const Dataset dataset = open_dataset(options_for(scratch), 1, {1});
  CHECK(dataset.has_own_splits);
  CHECK(dataset.class_counts(Split::train) == Counts{8, 8});
  CHECK(dataset.class_counts(Split::val) == Counts{2, 2});
  CHECK(dataset.class_counts(Split::test) == Counts{10, 10});
}

TEST_CASE("a class folder without files is no class, and is remembered") {
  const Scratch scratch;
  add_images(scratch, "a", 10);
  add_images(scratch, "b", 10);
  std::filesystem::create_directories(scratch.folder() / "c");
  const Dataset dataset = open_dataset(options_for(scratch), 1, {1});
  CHECK(dataset.classes == Names{"a", "b"});
  CHECK(dataset.empty_folders == Names{"c"});
}

TEST_CASE("a class too small to be split stops a training, and can be looked at") {
  const Scratch scratch;
  add_images(scratch, "a", 10);
  add_images(scratch, "b", 2);
  scratch.write("c/no_image.png", "text");
  CHECK(has(error_of(options_for(scratch)), "class \"c\" has no usable image"));
  scratch.write("c/image.png", test::plain_png());
  CHECK(has(error_of(options_for(scratch)), "class \"b\" has too few images"));
  const Dataset dataset = inspect_dataset(options_for(scratch), 1, {1});
  CHECK(dataset.samples.size() == 13);
  CHECK(dataset.class_counts(Split::train) == Counts{6, 1, 1});
}

TEST_CASE("an evaluation folder takes the model's labels") {
  const Scratch scratch;
  add_images(scratch, "c", 2);
  add_images(scratch, "a", 1);
  const Dataset dataset =
      open_evaluation_folder(scratch.folder(), {"c", "b", "a"}, BadImage::skip, {1});
  CHECK(dataset.classes == Names{"c", "b", "a"});
  CHECK(dataset.class_counts(Split::test) == Counts{2, 0, 1});
}

TEST_CASE("an evaluation folder with splits keeps them") {
  const Scratch scratch;
  add_images(scratch, "val/a", 2);
  add_images(scratch, "test/b", 3);
  const Dataset dataset = open_evaluation_folder(scratch.folder(), {"a", "b"}, BadImage::skip, {1});
  CHECK(dataset.has_own_splits);
  CHECK(dataset.class_counts(Split::val) == Counts{2, 0});
  CHECK(dataset.class_counts(Split::test) == Counts{0, 3});
}

TEST_CASE("a folder that is no class of the model is an error with the nearest class") {
  const Scratch scratch;
  add_images(scratch, "dasy", 1);
  const Error error = caught([&] {
    open_evaluation_folder(scratch.folder(), {"daisy", "tulip"}, BadImage::skip, {1});
  });
  CHECK(error.code() == ExitCode::data);
  CHECK(has(error.report(), "daisy"));
}

}  // namespace tl
