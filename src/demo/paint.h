// Brushes: smooth shapes in RGB on an 8-bit canvas.
#pragma once

#include "tl/base/random.h"

#include <opencv2/core.hpp>

#include <vector>

namespace tl::demo {

using Point = cv::Point2d;
using Outline = std::vector<Point>;
using Colour = cv::Vec3d;  // RGB, 0 to 255

// Hue in turns, saturation and value from 0 to 1.
Colour from_hsv(double hue, double saturation, double value);
// Each drawn from its range, in this order.
struct HsvRange {
  double hue[2];
  double saturation[2];
  double value[2];
};
Colour random_hsv(const HsvRange& range, Random& random);
Colour mix(const Colour& a, const Colour& b, double share_of_b);
// Each of hue, saturation and value a little off.
Colour varied(const Colour& colour, double amount, Random& random);

void fill(cv::Mat& canvas, const Outline& outline, const Colour& colour);
void stroke(cv::Mat& canvas, const Outline& line, const Colour& colour, double thickness);
void dot(cv::Mat& canvas, Point centre, double radius, const Colour& colour);

// A quadratic Bezier curve.
Outline curve(Point from, Point control, Point to);

// From a shape's own coordinates to the canvas.
class Pose {
 public:
  Pose(Point origin, double scale, double turn, double squash = 1.0);

  // The same place, turned further by `angle` in the shape's own plane.
  Pose turned(double angle) const;
  Pose moved(Point by) const;
  Point operator()(Point p) const;
  Outline operator()(Outline outline) const;
  double scale() const { return scale_; }

 private:
  cv::Matx22d linear_;
  Point origin_;
  double scale_;
};

// A petal or leaf along the x axis from 0 to 1.
struct PetalForm {
  double width = 0.3;   // half of it, at the widest place
  double widest = 0.5;  // where along the length
  double base = 1.0;    // small: round, large: pointed
  double tip = 1.0;
  double wave = 0.0;  // of the rim
  double bend = 0.0;  // sideways, at the tip
};

struct PetalColours {
  Colour rim;
  Colour middle;
  Colour vein;
};

Outline petal_outline(const PetalForm& form, Random& random);
void paint_petal(cv::Mat& canvas, const Pose& pose, const PetalForm& form,
                 const PetalColours& colours, Random& random);

}  // namespace tl::demo
