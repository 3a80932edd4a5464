#include "data/jitter.h"

#include "data/scratch.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tl {
namespace {

cv::Mat random_image() {
  cv::Mat image(20, 20, CV_8UC3);
  cv::RNG random(3);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  return image;
}

double grey(const cv::Vec3b& pixel) {
  return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

double mean_grey(const cv::Mat& image) {
  double sum = 0;
  for (const auto& pixel : cv::Mat_<cv::Vec3b>(image))
    sum += grey(pixel);
  return sum / static_cast<double>(image.total());
}

// The largest difference from factor * pixel + (1 - factor) * other(pixel).
template <typename Other>
double largest_error(const cv::Mat& before, const cv::Mat& after, double factor, Other other) {
  double largest = 0;
  for (int y = 0; y < before.rows; ++y) {
    for (int x = 0; x < before.cols; ++x) {
      const auto pixel = before.at<cv::Vec3b>(y, x);
      for (int c = 0; c < 3; ++c) {
        const double wanted = factor * pixel[c] + (1 - factor) * other(pixel);
        largest = std::max(largest,
                           std::abs(after.at<cv::Vec3b>(y, x)[c] - std::clamp(wanted, 0.0, 255.0)));
      }
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("brightness blends with black, contrast with the mean grey, saturation with each grey") {
  const cv::Mat image = random_image();
  const double mean = mean_grey(image);
  for (const double factor : {0.0, 0.4, 1.0, 1.7}) {
    INFO(factor);
    cv::Mat bright = image.clone();
    adjust_brightness(bright, factor);
    CHECK(largest_error(image, bright, factor, [](auto) { return 0.0; }) <= 1.0);
    cv::Mat contrasted = image.clone();
    adjust_contrast(contrasted, factor);
    CHECK(largest_error(image, contrasted, factor, [&](auto) { return mean; }) <= 1.0);
    cv::Mat saturated = image.clone();
    adjust_saturation(saturated, factor);
    CHECK(largest_error(image, saturated, factor, grey) <= 1.5);
  }
}

TEST_CASE("a third of a turn of hue makes red green and green blue") {
  cv::Mat image(1, 2, CV_8UC3);
  image.at<cv::Vec3b>(0, 0) = {255, 0, 0};
  image.at<cv::Vec3b>(0, 1) = {0, 255, 0};
  adjust_hue(image, 1.0 / 3);
  CHECK(cv::norm(image.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 255, 0), cv::NORM_INF) <= 6);
  CHECK(cv::norm(image.at<cv::Vec3b>(0, 1), cv::Vec3b(0, 0, 255), cv::NORM_INF) <= 6);
  adjust_hue(image, -1.0 / 3);
  CHECK(cv::norm(image.at<cv::Vec3b>(0, 0), cv::Vec3b(255, 0, 0), cv::NORM_INF) <= 12);
}

TEST_CASE("no jitter leaves every pixel alone") {
  const cv::Mat image = random_image();
  cv::Mat same = image.clone();
  Random random({1});
  jitter(same, {.brightness = 0, .contrast = 0, .saturation = 0, .hue = 0}, random);
  CHECK(cv::norm(image, same, cv::NORM_INF) == 0);
}

TEST_CASE("brightness factors fill their range and do not leave it") {
  double lowest = 1e9;
  double highest = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    cv::Mat image(2, 2, CV_8UC3, cv::Scalar::all(100));
    Random random({i});
    jitter(image, {.brightness = 0.5, .contrast = 0, .saturation = 0, .hue = 0}, random);
    const double factor = image.at<cv::Vec3b>(0, 0)[0] / 100.0;
    lowest = std::min(lowest, factor);
    highest = std::max(highest, factor);
  }
  CHECK(lowest == Approx(0.5).margin(0.03));
  CHECK(highest == Approx(1.5).margin(0.03));
}

}  // namespace tl
