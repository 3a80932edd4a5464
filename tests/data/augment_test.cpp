#include "tl/data/augment.h"

#include "data/scratch.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace tl {
namespace {

// Nothing is done but the resizing to the network's input.
AugmentOptions nothing() {
  AugmentOptions options;
  options.crop.reset();
  options.flip = 0;
  options.jitter = {.brightness = 0, .contrast = 0, .saturation = 0, .hue = 0};
  return options;
}

InputSpec input(int height, int width) {
  InputSpec spec;
  spec.height = height;
  spec.width = width;
  spec.resize = std::min(height, width);
  return spec;
}

// Red grows with the column, green with the row.
cv::Mat coordinates(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at<cv::Vec3b>(y, x) = cv::Vec3b(static_cast<std::uint8_t>(x * 255 / (width - 1)),
                                            static_cast<std::uint8_t>(y * 255 / (height - 1)), 9);
    }
  }
  return image;
}

cv::Mat run(const cv::Mat& image, const AugmentOptions& options, const InputSpec& spec,
            std::uint64_t key = 1) {
  return augment(image, options, spec, {1, 1, key});
}

double difference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

}  // namespace

TEST_CASE("the same key gives the same image, another key another") {
  AugmentOptions options;
  options.rotation = 20;
  options.jitter.hue = 0.1;
  options.blur.probability = 0.5;
  options.erase.probability = 0.5;
  const cv::Mat image = coordinates(50, 70);
  const InputSpec spec = input(32, 32);
  CHECK(difference(run(image, options, spec, 5), run(image, options, spec, 5)) == 0);
  CHECK(difference(run(image, options, spec, 5), run(image, options, spec, 6)) > 0);
}

TEST_CASE("the caller's image is never written to") {
  const cv::Mat image = coordinates(32, 32);
  const cv::Mat before = image.clone();
  AugmentOptions options = nothing();
  options.flip = 1;
  options.jitter.brightness = 0.9;
  options.erase.probability = 1;
  run(image, options, input(32, 32));
  CHECK(difference(image, before) == 0);
}

TEST_CASE("the caller's image is not written to where a crop has the network's size") {
  const cv::Mat image = coordinates(40, 40);
  const cv::Mat before = image.clone();
  AugmentOptions options = nothing();
  options.crop = CropOptions{{0.64, 0.64}, {1, 1}};  // 32 x 32
  options.flip = 1;
  for (std::uint64_t seed = 1; seed < 20; ++seed)
    run(image, options, input(32, 32), seed);
  CHECK(difference(image, before) == 0);
}

TEST_CASE("flips mirror the image") {
  const cv::Mat image = coordinates(32, 32);
  const InputSpec spec = input(32, 32);
  cv::Mat mirrored;
  AugmentOptions options = nothing();
  options.flip = 1;
  cv::flip(image, mirrored, 1);
  CHECK(difference(run(image, options, spec), mirrored) == 0);
  options.flip = 0;
  options.vertical_flip = 1;
  cv::flip(image, mirrored, 0);
  CHECK(difference(run(image, options, spec), mirrored) == 0);
}

TEST_CASE("a flip comes as often as its probability says") {
  const cv::Mat image = coordinates(8, 8);
  AugmentOptions options = nothing();
  options.flip = 0.25;
  int flipped = 0;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    flipped += difference(run(image, options, input(8, 8), key), image) > 0;
  }
  CHECK(flipped == Approx(250).margin(50));
}

TEST_CASE("crops keep within scale and ratio, and reach their ends") {
  const cv::Mat image = coordinates(256, 256);
  AugmentOptions options = nothing();
  options.crop = CropOptions{{0.25, 0.5}, {0.5, 2.0}};
  double least = 1;
  double most = 0;
  for (std::uint64_t key = 0; key < 300; ++key) {
    const cv::Mat result = run(image, options, input(64, 64), key);
    // The middle half of the result shows the middle half of the crop.
    const auto span = [&](int channel, cv::Point from, cv::Point to) {
      return 2.0 * (result.at<cv::Vec3b>(to)[channel] - result.at<cv::Vec3b>(from)[channel]) / 255;
    };
    const double width = span(0, {16, 32}, {48, 32});
    const double height = span(1, {32, 16}, {32, 48});
    CHECK(width * height > 0.23);
    CHECK(width * height < 0.53);
    CHECK(width / height > 0.47);
    CHECK(width / height < 2.13);
    least = std::min(least, width * height);
    most = std::max(most, width * height);
  }
  CHECK(least < 0.28);
  CHECK(most > 0.47);
}

TEST_CASE("where no crop fits, the middle is taken") {
  AugmentOptions options = nothing();
  options.crop = CropOptions{{1.0, 1.0}, {1.0, 1.0}};
  const cv::Mat image = coordinates(64, 256);
  const cv::Mat result = run(image, options, input(64, 64));
  CHECK(difference(result, image(cv::Rect(96, 0, 64, 64))) == 0);
}

TEST_CASE("rotation keeps the centre and mirrors at the border") {
  cv::Mat image(65, 65, CV_8UC3, cv::Scalar::all(200));
  image(cv::Rect(30, 30, 5, 5)).setTo(cv::Scalar::all(10));
  AugmentOptions options = nothing();
  options.rotation = 45;
  const cv::Mat result = run(image, options, input(65, 65));
  CHECK(result.at<cv::Vec3b>(32, 32)[0] == 10);
  CHECK(result.at<cv::Vec3b>(0, 0)[0] == 200);
  CHECK(difference(result, image) > 0);
}

TEST_CASE("blur smooths and keeps the mean") {
  cv::Mat image(64, 64, CV_8UC3);
  cv::RNG noise(1);
  noise.fill(image, cv::RNG::UNIFORM, 0, 256);
  AugmentOptions options = nothing();
  options.blur = {.probability = 1, .sigma = {2.0, 2.0}};
  const cv::Mat result = run(image, options, input(64, 64));
  cv::Scalar mean_before, mean_after, deviation_before, deviation_after;
  cv::meanStdDev(image, mean_before, deviation_before);
  cv::meanStdDev(result, mean_after, deviation_after);
  CHECK(mean_after[0] == Approx(mean_before[0]).margin(2));
  // White noise through a Gaussian: the deviation falls by 1 / (2 sigma sqrt(pi)).
  CHECK(deviation_after[0] / deviation_before[0] == Approx(1 / (4 * std::sqrt(M_PI))).epsilon(0.2));
}

TEST_CASE("erasing fills one rectangle with the mean colour") {
  const cv::Mat image = coordinates(64, 64);
  AugmentOptions options = nothing();
  options.erase = {.probability = 1, .scale = {0.1, 0.2}, .ratio = {0.5, 2.0}};
  const cv::Mat result = run(image, options, input(64, 64));
  cv::Mat changed;
  cv::absdiff(result, image, changed);
  cv::extractChannel(changed, changed, 0);
  const cv::Rect box = cv::boundingRect(changed);
  CHECK(box.area() == Approx(0.15 * 64 * 64).margin(0.06 * 64 * 64));
  const cv::Vec3b filling = result.at<cv::Vec3b>(box.y, box.x);
  const cv::Scalar mean = cv::mean(image);
  for (int c = 0; c < 3; ++c)
    CHECK(filling[c] == Approx(mean[c]).margin(1));
  CHECK(difference(result(box), cv::Mat(box.size(), CV_8UC3, cv::Scalar(filling))) == 0);
}

TEST_CASE("seed, epoch and sample each change the image") {
  const cv::Mat image = coordinates(50, 70);
  const auto drawn = [&](const AugmentKey& key) {
    return augment(image, AugmentOptions(), input(32, 32), key);
  };
  const cv::Mat one = drawn({1, 1, 1});
  CHECK(difference(drawn({1, 1, 1}), one) == 0);
  for (const AugmentKey& other : {AugmentKey{2, 1, 1}, {1, 2, 1}, {1, 1, 2}})
    CHECK(difference(drawn(other), one) > 0);
}

TEST_CASE("a step draws the same whatever other steps are on") {
  const cv::Mat image = coordinates(64, 64);
  const InputSpec spec = input(64, 64);
  AugmentOptions crop = nothing();
  crop.crop = CropOptions{};
  AugmentOptions flip = nothing();
  flip.flip = 0.5;
  for (std::uint64_t key = 0; key < 20; ++key) {
    AugmentOptions both = crop;
    both.flip = 0.5;
    const cv::Mat cropped = run(image, crop, spec, key);
    cv::Mat expected = cropped;
    if (difference(run(image, flip, spec, key), image) > 0) cv::flip(cropped, expected, 1);
    CHECK(difference(run(image, both, spec, key), expected) == 0);
  }
}

TEST_CASE("a further step is applied to what the others made before") {
  const cv::Mat image = coordinates(64, 64);
  const InputSpec spec = input(64, 64);
  AugmentOptions options;
  options.rotation = 20;
  options.jitter.hue = 0.1;
  options.blur.probability = 0.5;
  AugmentOptions erase = nothing();
  erase.erase.probability = 0.5;
  AugmentOptions all = options;
  all.erase = erase.erase;
  for (std::uint64_t key = 0; key < 20; ++key) {
    const cv::Mat before = run(image, options, spec, key);
    CHECK(difference(run(image, all, spec, key), run(before, erase, spec, key)) == 0);
  }
}

TEST_CASE("each jitter's amount is the same whatever others are on") {
  const cv::Mat image(32, 32, CV_8UC3, cv::Scalar(90, 90, 90));  // a grey has no hue
  AugmentOptions brightness = nothing();
  brightness.jitter.brightness = 0.5;
  AugmentOptions both = brightness;
  both.jitter.hue = 0.5;
  for (std::uint64_t key = 0; key < 20; ++key) {
    CHECK(difference(run(image, brightness, input(32, 32), key),
                     run(image, both, input(32, 32), key)) == 0);
  }
}

TEST_CASE("an angle lies within the degrees asked for, to either side") {
  // The way of a bright point on the right edge tells the angle.
  cv::Mat image(101, 101, CV_8UC3, cv::Scalar::all(0));
  cv::circle(image, {85, 50}, 3, cv::Scalar::all(255), cv::FILLED);
  AugmentOptions options = nothing();
  options.rotation = 30;
  double least = 0;
  double most = 0;
  for (std::uint64_t key = 0; key < 200; ++key) {
    cv::Mat grey;
    cv::extractChannel(run(image, options, input(101, 101), key), grey, 0);
    const cv::Moments m = cv::moments(grey);
    const double degrees = std::atan2(50 - m.m01 / m.m00, m.m10 / m.m00 - 50) * 180 / M_PI;
    least = std::min(least, degrees);
    most = std::max(most, degrees);
  }
  CHECK(least == Approx(-30).margin(2));
  CHECK(most == Approx(30).margin(2));
}

}  // namespace tl
