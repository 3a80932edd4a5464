#include "tl/data/loader.h"

#include "data/scratch.h"
#include "open_dataset.h"
#include "resource_limit.h"
#include "tl/base/hash.h"
#include "tl/data/image.h"

#include <limits>
#include <numeric>

namespace tl {
namespace {

using test::caught;
using test::encoded;
using test::Scratch;

// n images of random size and content; the label is the number modulo 3.
Dataset noisy_dataset(const Scratch& scratch, int n) {
  Dataset dataset;
  dataset.root = scratch.folder();
  dataset.classes = {"a", "b", "c"};
  cv::RNG random(5);
  for (int i = 0; i < n; ++i) {
    cv::Mat image(random.uniform(20, 60), random.uniform(20, 60), CV_8UC3);
    random.fill(image, cv::RNG::UNIFORM, 0, 256);
    const std::string path = std::to_string(i) + ".png";
    scratch.write(path, encoded(".png", image));
    dataset.samples.push_back({path, i % 3, Split::train, hash64(path)});
  }
  return dataset;
}

std::vector<std::size_t> backwards(std::size_t n) {
  std::vector<std::size_t> order(n);
  std::iota(order.rbegin(), order.rend(), 0);
  return order;
}

Transform small_input() {
  Transform transform;
  transform.input.height = 16;
  transform.input.width = 24;
  transform.input.resize = 24;
  return transform;
}

std::vector<Batch> all_batches(Loader& loader) {
  std::vector<Batch> batches;
  while (auto batch = loader.next())
    batches.push_back(std::move(*batch));
  return batches;
}

std::vector<std::uint8_t> pixels_of(const Dataset& dataset, const Transform& transform,
                                    int workers) {
  Loader loader(dataset, backwards(dataset.samples.size()), 4, transform, workers);
  std::vector<std::uint8_t> pixels;
  for (const Batch& batch : all_batches(loader)) {
    pixels.insert(pixels.end(), batch.pixels.begin(), batch.pixels.end());
  }
  return pixels;
}

}  // namespace

TEST_CASE("batches come in order, each sample at its place, the last one smaller") {
  const Scratch scratch;
  const Dataset dataset = noisy_dataset(scratch, 30);
  const Transform transform = small_input();
  Loader loader(dataset, backwards(30), 4, transform, 3);
  const auto batches = all_batches(loader);
  REQUIRE(batches.size() == 8);
  CHECK(batches.back().count == 2);
  std::size_t expected = 30;
  for (const Batch& batch : batches) {
    REQUIRE(batch.pixels.size() == static_cast<std::size_t>(batch.count) * 16 * 24 * 3);
    for (int i = 0; i < batch.count; ++i) {
      const std::size_t sample = --expected;
      CHECK(batch.samples[i] == sample);
      const cv::Mat wanted = resize_and_center_crop(
          decode_image(dataset.root / dataset.samples[sample].path), transform.input);
      CHECK(std::equal(wanted.data, wanted.data + 16 * 24 * 3,
                       batch.pixels.begin() + i * 16 * 24 * 3));
    }
  }
  CHECK_FALSE(loader.next());
}

TEST_CASE("the number of workers changes nothing; seed and epoch do") {
  const Scratch scratch;
  const Dataset dataset = noisy_dataset(scratch, 40);
  AugmentOptions options;
  options.rotation = 10;
  options.jitter.hue = 0.1;
  options.blur.probability = 0.5;
  options.erase.probability = 0.5;
  Transform transform = small_input();
  transform.augment = &options;
  transform.seed = 7;
  const auto pixels = pixels_of(dataset, transform, 1);
  CHECK(pixels == pixels_of(dataset, transform, 4));
  transform.epoch = 1;
  CHECK(pixels != pixels_of(dataset, transform, 4));
  transform.epoch = 0;
  transform.seed = 8;
  CHECK(pixels != pixels_of(dataset, transform, 4));
}

TEST_CASE("a sample that no longer decodes is an error, at its batch and not before") {
  const Scratch scratch;
  const Dataset dataset = noisy_dataset(scratch, 12);
  scratch.write("5.png", "no longer an image");
  scratch.write("4.png", "");
  Loader loader(dataset, backwards(12), 4, small_input(), 4);
  CHECK(loader.next());
  const Error error = caught([&] { loader.next(); });
  CHECK(error.code() == ExitCode::data);
  CHECK(test::has(error.where(), "5.png"));  // the first in the order
  CHECK_THROWS_AS(loader.next(), Error);
}

TEST_CASE("an image changed after its content was taken is an error, with or without a cache") {
  const Scratch scratch;
  Dataset dataset = noisy_dataset(scratch, 4);
  read_contents(dataset, {1});
  CHECK(pixels_of(dataset, small_input(), 2).size() == 4U * 16 * 24 * 3);
  scratch.write("2.png", test::plain_png());
  Transform transform = small_input();
  ImageCache cache(1 << 20, needed_side(transform.input, nullptr));
  for (ImageCache* kept : {static_cast<ImageCache*>(nullptr), &cache}) {
    transform.cache = kept;
    const Error error = caught([&] { pixels_of(dataset, transform, 2); });
    CHECK(error.code() == ExitCode::data);
    CHECK(test::has(error.what(), "was changed"));
    CHECK(test::has(error.where(), "2.png"));
  }
}

TEST_CASE("what the check kept gives the pixels of a fresh decoding, in training and evaluation") {
  const Scratch scratch;
  cv::RNG random(7);
  int number = 0;
  for (const cv::Size size : {cv::Size(400, 300), cv::Size(90, 120), cv::Size(60, 40)}) {
    for (const char* folder : {"a/", "b/"}) {
      cv::Mat image(size, CV_8UC3);
      random.fill(image, cv::RNG::UNIFORM, 0, 256);
      scratch.write(folder + std::to_string(number++) + ".jpg", encoded(".jpg", image));
    }
  }
  DataOptions data;
  data.root = scratch.folder();
  const AugmentOptions options;
  Transform transform = small_input();
  // At a quarter both ways; at a half for training alone; whole.
  ImageCache images(1 << 24, needed_side(transform.input, &options));
  const Dataset dataset = open_dataset(data, 1, {2, {}, {}, &images});
  for (const AugmentOptions* augment : {static_cast<const AugmentOptions*>(nullptr), &options}) {
    transform.augment = augment;
    transform.cache = nullptr;
    const auto expected = pixels_of(dataset, transform, 2);
    transform.cache = &images;
    CHECK(pixels_of(dataset, transform, 2) == expected);
  }
}

#ifdef TL_MEMORY_CAN_BE_LIMITED
TEST_CASE("where the machine gives fewer threads the loader does with them") {
  const Scratch scratch;
  const Dataset dataset = noisy_dataset(scratch, 9);
  const auto expected = pixels_of(dataset, small_input(), 1);
  const auto limit = little_memory(std::size_t{40} << 20);  // a few stacks of 8 MB
  CHECK(pixels_of(dataset, small_input(), 64) == expected);
}
#endif

TEST_CASE("an image that was kept is not read again, and gives the same pixels") {
  const Scratch scratch;
  Dataset dataset = noisy_dataset(scratch, 6);
  read_contents(dataset, {1});
  Transform transform = small_input();
  const auto expected = pixels_of(dataset, transform, 2);
  ImageCache cache(1 << 20, needed_side(transform.input, nullptr));
  transform.cache = &cache;
  CHECK(pixels_of(dataset, transform, 2) == expected);
  for (const Sample& sample : dataset.samples)
    scratch.write(sample.path, "no longer an image");
  CHECK(pixels_of(dataset, transform, 2) == expected);
  AugmentOptions options;
  options.crop = CropOptions{{0.01, 1.0}, {0.75, 1.33}};
  transform.augment = &options;  // needs more pixels, but at no part of their size are there more
  for (Sample& sample : dataset.samples)
    sample.width = sample.height = 60;
  CHECK(pixels_of(dataset, transform, 2).size() == expected.size());
}

TEST_CASE("a loader that is left early shuts down") {
  const Scratch scratch;
  const Dataset dataset = noisy_dataset(scratch, 60);
  for (int taken = 0; taken < 3; ++taken) {
    Loader loader(dataset, backwards(60), 2, small_input(), 3);
    for (int i = 0; i < taken; ++i)
      CHECK(loader.next());
  }
}

TEST_CASE("nothing to load gives no batch") {
  const Dataset dataset;
  Loader loader(dataset, {}, 4, small_input(), 2);
  CHECK_FALSE(loader.next());
}

TEST_CASE("a crop has the network's pixels, however flat or narrow it may be") {
  InputSpec input;
  input.height = input.width = input.resize = 100;
  AugmentOptions augment;
  const auto needed = [&](double scale, double narrowest, double flattest) {
    augment.crop = CropOptions{{scale, 1.0}, {narrowest, flattest}};
    return needed_side(input, &augment);
  };
  CHECK(needed(1.0, 1.0, 1.0) == 100);
  CHECK(needed(0.25, 1.0, 1.0) == 200);
  CHECK(needed(1.0, 0.25, 1.0) == 200);
  CHECK(needed(1.0, 1.0, 4.0) == 200);
  CHECK(needed(0.25, 1.0, 4.0) == 400);
  CHECK(needed(1e-14, 0.001, 1000.0) == std::numeric_limits<int>::max());
}

}  // namespace tl
