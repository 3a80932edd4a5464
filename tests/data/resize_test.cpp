#include "data/scratch.h"
#include "tl/data/image.h"

#include <algorithm>
#include <cmath>

namespace tl {
namespace {

double triangle(double x) {
  return std::max(0.0, 1.0 - std::abs(x));
}

// Keys' kernel with a = -0.5.
double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// One row of numbers resampled from the definition: the kernel is as wide as the shrinking asks
// for.
std::vector<double> resampled(const std::vector<double>& row, int length,
                              double (*kernel)(double)) {
  const double scale = static_cast<double>(row.size()) / length;
  const double widening = std::max(1.0, scale);
  std::vector<double> result;
  for (int i = 0; i < length; ++i) {
    const double centre = (i + 0.5) * scale - 0.5;
    double sum = 0;
    double weights = 0;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double weight = kernel((static_cast<double>(j) - centre) / widening);
      sum += weight * row[j];
      weights += weight;
    }
    result.push_back(std::clamp(sum / weights, 0.0, 255.0));
  }
  return result;
}

cv::Mat random_image(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  cv::RNG random(7);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  return image;
}

// Each row alike, so that only the resampling of columns shows.
double largest_error_of_columns(int from, int to, Interpolation interpolation) {
  const cv::Mat row = random_image(1, from);
  const cv::Mat result = resize(cv::repeat(row, 9, 1), 5, to, interpolation);
  double largest = 0;
  for (int channel = 0; channel < 3; ++channel) {
    std::vector<double> values;
    for (int x = 0; x < from; ++x)
      values.push_back(row.at<cv::Vec3b>(0, x)[channel]);
    const auto wanted =
        resampled(values, to, interpolation == Interpolation::bicubic ? cubic : triangle);
    for (int x = 0; x < to; ++x) {
      largest = std::max(largest, std::abs(result.at<cv::Vec3b>(2, x)[channel] - wanted[x]));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("resizing is antialiased, by the definition") {
  for (const auto interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    for (const auto& [from, to] : {std::pair(100, 30), {64, 63}, {37, 80}, {224, 7}}) {
      INFO(from << " to " << to << (interpolation == Interpolation::bicubic ? ", bicubic" : ""));
      CHECK(largest_error_of_columns(from, to, interpolation) <= 1.0);
    }
  }
}

TEST_CASE("rows are resized as columns are") {
  const cv::Mat image = random_image(60, 45);
  cv::Mat turned;
  cv::transpose(resize(image.t(), 20, 30, Interpolation::bilinear), turned);
  CHECK(cv::norm(turned, resize(image, 30, 20, Interpolation::bilinear), cv::NORM_INF) <= 2);
}

TEST_CASE("a part of a larger image is resized as its copy is") {
  const cv::Mat image = random_image(50, 60);
  const cv::Mat part = image(cv::Rect(7, 5, 31, 29));
  REQUIRE(!part.isContinuous());
  const cv::Mat a = resize(part, 16, 16, Interpolation::bilinear);
  const cv::Mat b = resize(part.clone(), 16, 16, Interpolation::bilinear);
  CHECK(cv::norm(a, b, cv::NORM_INF) == 0);
}

TEST_CASE("the smallest images can be resized") {
  const cv::Mat pixel(1, 1, CV_8UC3, cv::Scalar(1, 2, 3));
  const cv::Mat grown = resize(pixel, 4, 5, Interpolation::bicubic);
  CHECK(grown.size() == cv::Size(5, 4));
  CHECK(grown.at<cv::Vec3b>(3, 4) == cv::Vec3b(1, 2, 3));
  CHECK(resize(random_image(9, 8), 1, 1, Interpolation::bilinear).size() == cv::Size(1, 1));
}

}  // namespace tl
