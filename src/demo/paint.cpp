#include "demo/paint.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace tl::demo {
namespace {

constexpr int subpixel_bits = 4;

std::vector<cv::Point> in_subpixels(const Outline& outline) {
  std::vector<cv::Point> points;
  for (const Point& p : outline)
    points.emplace_back(p * double{1 << subpixel_bits});
  return points;
}

cv::Scalar as_scalar(const Colour& colour) {
  return {colour[0], colour[1], colour[2]};
}

cv::Matx22d rotation(double angle) {
  return {std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle)};
}

// Towards the middle line, and shorter.
Outline narrowed(const Outline& outline, double factor) {
  Outline result;
  for (const Point& p : outline)
    result.emplace_back(p.x * (0.6 + 0.4 * factor), p.y * factor);
  return result;
}

Outline bent(Outline outline, double bend) {
  for (Point& p : outline)
    p.y += bend * p.x * p.x;
  return outline;
}

}  // namespace

Colour from_hsv(double hue, double saturation, double value) {
  const auto channel = [&](double n) {
    const double k = std::fmod(n + (hue - std::floor(hue)) * 6, 6);
    return 255 * value * (1 - saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
  };
  return {channel(5), channel(3), channel(1)};
}

Colour random_hsv(const HsvRange& range, Random& random) {
  const double hue = random.uniform(range.hue[0], range.hue[1]);
  const double saturation = random.uniform(range.saturation[0], range.saturation[1]);
  return from_hsv(hue, saturation, random.uniform(range.value[0], range.value[1]));
}

Colour mix(const Colour& a, const Colour& b, double share_of_b) {
  return a * (1 - share_of_b) + b * share_of_b;
}

Colour varied(const Colour& colour, double amount, Random& random) {
  const double light = 1 + random.uniform(-amount, amount);
  Colour result;
  for (int i = 0; i < 3; ++i) {
    result[i] = std::clamp(colour[i] * light + 60 * random.uniform(-amount, amount), 0.0, 255.0);
  }
  return result;
}

void fill(cv::Mat& canvas, const Outline& outline, const Colour& colour) {
  cv::fillPoly(canvas, std::vector{in_subpixels(outline)}, as_scalar(colour), cv::LINE_AA,
               subpixel_bits);
}

void stroke(cv::Mat& canvas, const Outline& line, const Colour& colour, double thickness) {
  cv::polylines(canvas, std::vector{in_subpixels(line)}, false, as_scalar(colour),
                std::max(1, cvRound(thickness)), cv::LINE_AA, subpixel_bits);
}

void dot(cv::Mat& canvas, Point centre, double radius, const Colour& colour) {
  cv::circle(canvas, in_subpixels({centre})[0], cvRound(radius * (1 << subpixel_bits)),
             as_scalar(colour), cv::FILLED, cv::LINE_AA, subpixel_bits);
}

Outline curve(Point from, Point control, Point to) {
  constexpr int steps = 24;
  Outline points;
  for (int i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    points.push_back(from * ((1 - t) * (1 - t)) + control * (2 * t * (1 - t)) + to * (t * t));
  }
  return points;
}

Pose::Pose(Point origin, double scale, double turn, double squash)
    : linear_(rotation(turn) * cv::Matx22d(scale, 0, 0, scale * squash)),
      origin_(origin),
      scale_(scale) {}

Pose Pose::turned(double angle) const {
  Pose result = *this;
  result.linear_ = linear_ * rotation(angle);
  return result;
}

Pose Pose::moved(Point by) const {
  Pose result = *this;
  result.origin_ = (*this)(by);
  return result;
}

Point Pose::operator()(Point p) const {
  const cv::Vec2d turned_p = linear_ * cv::Vec2d(p.x, p.y);
  return origin_ + Point(turned_p[0], turned_p[1]);
}

Outline Pose::operator()(Outline outline) const {
  for (Point& p : outline)
    p = (*this)(p);
  return outline;
}

Outline petal_outline(const PetalForm& form, Random& random) {
  constexpr int steps = 20;
  Outline outline;
  for (const int side : {1, -1}) {
    const double phase = random.uniform(0, 2 * CV_PI);
    const double frequency = random.uniform(12, 22);
    for (int i = 0; i <= steps; ++i) {
      const double t = static_cast<double>(side > 0 ? i : steps - i) / steps;
      const bool near_base = t < form.widest;
      const double rise = near_base ? t / form.widest : (1 - t) / (1 - form.widest);
      const double shape = std::pow(std::sin(rise * CV_PI / 2), near_base ? form.base : form.tip);
      const double wave = 1 + form.wave * t * std::sin(frequency * t + phase);
      outline.emplace_back(t * (1 + 0.3 * (wave - 1)), side * form.width * shape * wave);
    }
  }
  return outline;
}

void paint_petal(cv::Mat& canvas, const Pose& pose, const PetalForm& form,
                 const PetalColours& colours, Random& random) {
  constexpr int layers = 6;
  const Outline outline = petal_outline(form, random);
  for (int layer = 0; layer < layers; ++layer) {
    const double inwards = static_cast<double>(layer) / layers;
    fill(canvas, pose(bent(narrowed(outline, 1 - inwards), form.bend)),
         mix(colours.rim, colours.middle, inwards));
  }
  Outline contour = pose(bent(outline, form.bend));
  contour.push_back(contour.front());
  stroke(canvas, contour, colours.rim * 0.72, pose.scale() * 0.012);
  for (const double offset : {-0.4, 0.0, 0.4}) {
    const double y = offset * form.width;
    stroke(canvas, pose(bent(curve({0.08, y * 0.3}, {0.5, y}, {0.85, y * 0.6}), form.bend)),
           mix(colours.middle, colours.vein, 0.5), pose.scale() * 0.008);
  }
}

}  // namespace tl::demo
