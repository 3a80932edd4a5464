#include "data/jitter.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <vector>

namespace tl {
namespace {

constexpr double grey_of_red = 0.299;
constexpr double grey_of_green = 0.587;
constexpr double grey_of_blue = 0.114;

// pixel -> factor * pixel + offset, by a table.
void scale_and_shift(cv::Mat& image, double factor, double offset) {
  cv::Mat table(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i) {
    table.at<std::uint8_t>(i) = cv::saturate_cast<std::uint8_t>(factor * i + offset);
  }
  cv::LUT(image, table, image);
}

}  // namespace

void adjust_brightness(cv::Mat& image, double factor) {
  scale_and_shift(image, factor, 0);
}

void adjust_contrast(cv::Mat& image, double factor) {
  const cv::Scalar mean = cv::mean(image);
  const double grey = grey_of_red * mean[0] + grey_of_green * mean[1] + grey_of_blue * mean[2];
  scale_and_shift(image, factor, (1 - factor) * grey);
}

void adjust_saturation(cv::Mat& image, double factor) {
  const cv::Matx13f grey(grey_of_red, grey_of_green, grey_of_blue);
  const cv::Matx33f blend = cv::Matx31f::ones() * grey * (1 - factor) + cv::Matx33f::eye() * factor;
  cv::transform(image, image, blend);
}

void adjust_hue(cv::Mat& image, double turns) {
  cv::Mat table(1, 256, CV_8UC3);
  const int shift = cvRound(turns * 256);
  for (int i = 0; i < 256; ++i) {
    const auto level = static_cast<std::uint8_t>(i);
    table.at<cv::Vec3b>(i) = {static_cast<std::uint8_t>(i + shift), level, level};
  }
  cv::cvtColor(image, image, cv::COLOR_RGB2HSV_FULL);
  cv::LUT(image, table, image);
  cv::cvtColor(image, image, cv::COLOR_HSV2RGB_FULL);
}

void jitter(cv::Mat& image, const JitterOptions& options, Random& random) {
  struct Adjustment {
    double spread;  // 0: off
    void (*adjust)(cv::Mat&, double);
    double amount;
  };
  const auto factor = [&](double spread) {
    return random.uniform(std::max(0.0, 1 - spread), 1 + spread);
  };
  // All are drawn and shuffled, so that an amount depends on no other being on.
  std::vector<Adjustment> all = {
      {options.brightness, adjust_brightness, factor(options.brightness)},
      {options.contrast, adjust_contrast, factor(options.contrast)},
      {options.saturation, adjust_saturation, factor(options.saturation)},
      {options.hue, adjust_hue, random.uniform(-options.hue, options.hue)},
  };
  random.shuffle(all);
  for (const Adjustment& a : all) {
    if (a.spread > 0) a.adjust(image, a.amount);
  }
}

}  // namespace tl
