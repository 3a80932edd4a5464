#include "demo/scene.h"

#include <opencv2/imgproc.hpp>

#include <cmath>

namespace tl::demo {
namespace {

Point anywhere(const cv::Mat& canvas, Random& random) {
  const double x = random.uniform(0, canvas.cols);
  return {x, random.uniform(0, canvas.rows)};
}

// Foliage, sky, soil or stone.
Colour ground_colour(Random& random) {
  constexpr double tones[][3] = {{0.28, 0.5, 0.4},  {0.33, 0.4, 0.25}, {0.57, 0.35, 0.8},
                                 {0.08, 0.45, 0.4}, {0.12, 0.12, 0.6}, {0.2, 0.4, 0.6}};
  const auto& [hue, saturation, value] = tones[random.below(std::size(tones))];
  return varied(from_hsv(hue, saturation, value), 0.3, random);
}

void paint_gradient(cv::Mat& canvas, Random& random) {
  const Colour top = ground_colour(random);
  const Colour bottom = ground_colour(random);
  for (int y = 0; y < canvas.rows; ++y) {
    const Colour colour = mix(top, bottom, static_cast<double>(y) / canvas.rows);
    canvas.row(y).setTo(cv::Scalar(colour[0], colour[1], colour[2]));
  }
}

void paint_blobs(cv::Mat& canvas, int n, Random& random) {
  for (int i = 0; i < n; ++i) {
    const Point at = anywhere(canvas, random);
    const double radius = canvas.rows * random.uniform(0.01, 0.12);
    dot(canvas, at, radius, ground_colour(random));
  }
}

void paint_blade(cv::Mat& canvas, Random& random) {
  const Point root{random.uniform(-0.1, 1.1) * canvas.cols, canvas.rows * random.uniform(0.5, 1.1)};
  const Point tip = root + Point{canvas.cols * random.uniform(-0.25, 0.25),
                                 -canvas.rows * random.uniform(0.15, 0.7)};
  const Point control((root.x + tip.x) / 2 + canvas.cols * random.uniform(-0.08, 0.08),
                      (root.y + tip.y) / 2);
  const Colour green = random_hsv({{0.12, 0.4}, {0.2, 0.8}, {0.15, 0.75}}, random);
  stroke(canvas, curve(root, control, tip), green, canvas.cols * random.uniform(0.003, 0.014));
}

// Small blossoms of no kind in particular, and loose leaves.
void paint_small_plant(cv::Mat& canvas, Random& random) {
  const Point at = anywhere(canvas, random);
  const double size = canvas.cols * random.uniform(0.01, 0.035);
  const Colour colour = random_hsv({{0, 1}, {0.1, 0.9}, {0.5, 1}}, random);
  const int n = 1 + static_cast<int>(random.below(8));
  for (int i = 0; i < n; ++i) {
    const Point by{size * random.uniform(-1.5, 1.5), size * random.uniform(-1.5, 1.5)};
    const double radius = size * random.uniform(0.3, 0.9);
    dot(canvas, at + by, radius, varied(colour, 0.2, random));
  }
  const Colour green = ground_colour(random);
  const PetalForm leaf{.width = random.uniform(0.1, 0.35), .widest = 0.5, .wave = 0.1};
  const Pose pose{at, size * random.uniform(2, 6), random.uniform(0, 2 * CV_PI)};
  paint_petal(canvas, pose, leaf, {green * 0.7, green, green * 0.5}, random);
}

cv::Mat background(int size, Random& random) {
  cv::Mat canvas(size, size, CV_8UC3);
  paint_gradient(canvas, random);
  paint_blobs(canvas, static_cast<int>(random.below(40)), random);
  cv::GaussianBlur(canvas, canvas, cv::Size(), size * random.uniform(0.005, 0.03));
  const int blades = static_cast<int>(random.below(120));
  const int plants = static_cast<int>(random.below(25));
  for (int i = 0; i < blades; ++i)
    paint_blade(canvas, random);
  for (int i = 0; i < plants; ++i)
    paint_small_plant(canvas, random);
  if (random.chance(0.7)) {
    cv::GaussianBlur(canvas, canvas, cv::Size(), size * random.uniform(0.001, 0.012));
  }
  return canvas;
}

// Blades and leaves in front of the flowers.
void occlude(cv::Mat& canvas, Random& random) {
  const int blades = static_cast<int>(random.below(6));
  for (int i = 0; i < blades; ++i)
    paint_blade(canvas, random);
  if (!random.chance(0.4)) return;
  const Colour green = ground_colour(random);
  const PetalForm leaf{.width = random.uniform(0.12, 0.3), .widest = 0.5, .wave = 0.05};
  const Point at = anywhere(canvas, random);
  const double length = canvas.cols * random.uniform(0.2, 0.4);
  paint_petal(canvas, Pose(at, length, random.uniform(0, 2 * CV_PI)), leaf,
              {green * 0.7, green, green * 0.5}, random);
}

void paint_flowers(cv::Mat& canvas, Kind kind, Random& random) {
  const double size = canvas.cols;
  for (int others = static_cast<int>(random.below(3)); others > 0; --others) {
    const Point at = anywhere(canvas, random);
    paint_flower(canvas, kind, at, size * random.uniform(0.06, 0.13), random);
  }
  const double x = size * random.uniform(0.32, 0.68);
  const double y = size * random.uniform(0.3, 0.6);
  paint_flower(canvas, kind, {x, y}, size * random.uniform(0.15, 0.34), random);
}

// The corners move by up to a twelfth.
void tilt(cv::Mat& image, Random& random) {
  const auto size = static_cast<float>(image.cols);
  const cv::Point2f corners[] = {{0, 0}, {size, 0}, {size, size}, {0, size}};
  cv::Point2f moved[4];
  for (int i = 0; i < 4; ++i) {
    const auto dx = static_cast<float>(random.uniform(-0.08, 0.08)) * size;
    const auto dy = static_cast<float>(random.uniform(-0.08, 0.08)) * size;
    moved[i] = corners[i] + cv::Point2f(dx, dy);
  }
  cv::Mat result;
  cv::warpPerspective(image, result, cv::getPerspectiveTransform(corners, moved), image.size(),
                      cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  image = result;
}

// Light that falls off to one side, its colour and its strength.
void light(cv::Mat& image, Random& random) {
  const double angle = random.uniform(0, 2 * CV_PI);
  const double slope = random.uniform(0, 0.7);
  const double middle = (std::cos(angle) + std::sin(angle)) / 2;
  const double exposure = random.uniform(0.75, 1.3);
  Colour cast;
  for (int i = 0; i < 3; ++i)
    cast[i] = exposure * random.uniform(0.85, 1.12);
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      const double along = (x * std::cos(angle) + y * std::sin(angle)) / image.cols - middle;
      auto& pixel = image.at<cv::Vec3b>(y, x);
      for (int i = 0; i < 3; ++i) {
        pixel[i] = cv::saturate_cast<std::uint8_t>(pixel[i] * cast[i] * (1 + slope * along));
      }
    }
  }
}

void add_noise(cv::Mat& image, Random& random) {
  cv::Mat noise(image.size(), CV_16SC3);
  cv::RNG sensor(random.next());
  sensor.fill(noise, cv::RNG::NORMAL, 0, random.uniform(1, 14));
  cv::add(image, noise, image, cv::noArray(), CV_8U);
}

}  // namespace

cv::Mat paint_scene(Kind kind, int size, Random& random) {
  cv::Mat canvas = background(2 * size, random);
  paint_flowers(canvas, kind, random);
  occlude(canvas, random);
  tilt(canvas, random);
  cv::Mat image;
  cv::resize(canvas, image, cv::Size(size, size), 0, 0, cv::INTER_AREA);
  if (random.chance(0.5)) {
    cv::GaussianBlur(image, image, cv::Size(), size * random.uniform(0.001, 0.006));
  }
  light(image, random);
  add_noise(image, random);
  return image;
}

}  // namespace tl::demo
