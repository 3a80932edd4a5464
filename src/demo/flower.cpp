#include "demo/flower.h"

#include <algorithm>
#include <cmath>

namespace tl::demo {
namespace {

constexpr double full_turn = 2 * CV_PI;

// One of the colours of that kind: white, yellow, orange, red, pink, purple, each with its share
// of 13.
Colour petal_colour(Kind kind, Random& random) {
  struct Tone {
    double hue, saturation, value;
  };
  constexpr Tone tones[] = {{0.14, 0.08, 0.96}, {0.14, 0.80, 0.96}, {0.07, 0.85, 0.95},
                            {0.99, 0.85, 0.82}, {0.92, 0.45, 0.92}, {0.80, 0.50, 0.72}};
  constexpr int shares[][6] = {{4, 3, 1, 1, 2, 2},   // daisy
                               {3, 2, 3, 1, 3, 1},   // lily
                               {2, 2, 3, 4, 2, 0},   // poppy
                               {3, 2, 1, 3, 3, 1},   // rose
                               {2, 3, 2, 3, 2, 1}};  // tulip
  int drawn = static_cast<int>(random.below(13));
  int tone = 0;
  while (drawn >= shares[static_cast<int>(kind)][tone]) {
    drawn -= shares[static_cast<int>(kind)][tone++];
  }
  const double hue = tones[tone].hue + random.uniform(-0.025, 0.025);
  const double saturation = tones[tone].saturation * random.uniform(0.75, 1.1);
  return from_hsv(hue, std::min(saturation, 1.0), tones[tone].value * random.uniform(0.8, 1.0));
}

Colour leaf_colour(Random& random) {
  return random_hsv({{0.22, 0.38}, {0.35, 0.8}, {0.3, 0.65}}, random);
}

// Petals in a ring catch the light differently.
PetalColours shaded(const Colour& colour, Random& random) {
  const Colour lit = varied(colour, 0.12, random);
  return {lit * 0.86, mix(lit, {255, 255, 255}, random.uniform(0.05, 0.3)), lit * 0.6};
}

// `n` petals around the centre, in an order that leaves none on top of all others.
void paint_ring(cv::Mat& canvas, const Pose& head, int n, double length, const PetalForm& form,
                const Colour& colour, Random& random) {
  const double start = random.uniform(0, full_turn);
  for (const int parity : {0, 1}) {
    for (int i = parity; i < n; i += 2) {
      PetalForm own = form;
      own.width *= random.uniform(0.85, 1.15);
      own.bend += random.uniform(-0.08, 0.08);
      const double angle = start + full_turn * (i + random.uniform(-0.12, 0.12)) / n;
      const double own_length = length * random.uniform(0.88, 1.08);
      const Pose turned = head.turned(angle);
      const Point tip = turned({own_length, 0});
      const Point centre = turned({0, 0});
      const Pose petal(centre, cv::norm(tip - centre),
                       std::atan2(tip.y - centre.y, tip.x - centre.x));
      paint_petal(canvas, petal, own, shaded(colour, random), random);
    }
  }
}

void paint_specks(cv::Mat& canvas, const Pose& head, int n, double radius, double size,
                  const Colour& colour, Random& random) {
  for (int i = 0; i < n; ++i) {
    // A sunflower's spiral, blurred a little.
    const double r = radius * std::sqrt((i + 0.5) / n);
    const double angle = i * 2.39996 + random.uniform(-0.2, 0.2);
    const Colour own = varied(colour, 0.25, random);
    dot(canvas, head({r * std::cos(angle), r * std::sin(angle)}),
        head.scale() * size * random.uniform(0.7, 1.3), own);
  }
}

void paint_disc(cv::Mat& canvas, const Pose& head, double radius, const Colour& colour) {
  Outline circle;
  for (int i = 0; i < 40; ++i) {
    const double angle = full_turn * i / 40;
    circle.emplace_back(radius * std::cos(angle), radius * std::sin(angle));
  }
  fill(canvas, head(circle), colour);
}

void paint_daisy(cv::Mat& canvas, const Pose& head, const Colour& colour, Random& random) {
  const PetalForm form{
      .width = random.uniform(0.09, 0.15), .widest = 0.68, .base = 0.8, .tip = 0.5};
  const int n = 12 + static_cast<int>(random.below(11));
  if (random.chance(0.4)) paint_ring(canvas, head, n, 1.0, form, colour * 0.85, random);
  paint_ring(canvas, head, n, 0.97, form, colour, random);
  const double radius = random.uniform(0.2, 0.36);
  const Colour centre = random.chance(0.7) ? from_hsv(0.12, 0.85, 0.85) : from_hsv(0.07, 0.6, 0.35);
  paint_disc(canvas, head, radius, centre * 0.8);
  paint_specks(canvas, head, 90, radius * 0.95, 0.022, centre, random);
}

void paint_lily(cv::Mat& canvas, const Pose& head, const Colour& colour, Random& random) {
  const PetalForm form{.width = random.uniform(0.17, 0.25),
                       .widest = random.uniform(0.38, 0.5),
                       .base = 0.9,
                       .tip = 1.5,
                       .bend = random.uniform(-0.12, 0.12)};
  paint_ring(canvas, head, 6, 1.15, form, colour, random);
  paint_disc(canvas, head, 0.1, mix(colour, {150, 190, 90}, 0.7));
  const Colour anther = random_hsv({{0.03, 0.12}, {0.85, 0.85}, {0.35, 0.7}}, random);
  for (int i = 0; i < 6; ++i) {
    const Pose turned = head.turned(full_turn * (i + random.uniform(-0.2, 0.2)) / 6);
    const double length = random.uniform(0.4, 0.6);
    stroke(canvas, turned(curve({0, 0}, {length / 2, 0.08}, {length, 0})), {215, 220, 160},
           head.scale() * 0.025);
    stroke(canvas, turned({{length, -0.06}, {length, 0.06}}), anther, head.scale() * 0.06);
  }
}

void paint_poppy(cv::Mat& canvas, const Pose& head, const Colour& colour, Random& random) {
  const PetalForm form{.width = random.uniform(0.52, 0.68),
                       .widest = 0.72,
                       .base = 0.9,
                       .tip = 0.5,
                       .wave = random.uniform(0.05, 0.14)};
  const int n = 4 + static_cast<int>(random.below(3));
  paint_ring(canvas, head, n, 1.0, form, colour, random);
  if (random.chance(0.6)) {
    const PetalForm blotch{.width = 0.5, .widest = 0.6, .base = 1.0, .tip = 0.7};
    paint_ring(canvas, head, n, 0.36, blotch, colour * 0.35, random);
  }
  const Colour dark = random_hsv({{0.1, 0.8}, {0.35, 0.35}, {0.12, 0.3}}, random);
  paint_specks(canvas, head, 60, 0.3, 0.025, random.chance(0.6) ? dark : Colour(225, 190, 70),
               random);
  const Colour pod = random_hsv({{0.25, 0.25}, {0.4, 0.4}, {0.4, 0.7}}, random);
  paint_disc(canvas, head, random.uniform(0.09, 0.14), pod);
}

void paint_rose(cv::Mat& canvas, const Pose& head, const Colour& colour, Random& random) {
  const int rings = 5 + static_cast<int>(random.below(3));
  for (int ring = 0; ring < rings; ++ring) {
    const double inwards = static_cast<double>(ring) / rings;
    const PetalForm form{
        .width = random.uniform(0.5, 0.62), .widest = 0.74, .base = 0.8, .tip = 0.4, .wave = 0.04};
    const int n = ring + 2 < rings ? 5 : 3;
    paint_ring(canvas, head, n, 1.0 - 0.82 * inwards, form, colour * (1 - 0.4 * inwards), random);
  }
  Outline spiral;
  for (int i = 0; i < 50; ++i) {
    const double r = 0.2 * i / 50;
    spiral.emplace_back(r * std::cos(i * 0.3), r * std::sin(i * 0.3));
  }
  stroke(canvas, head.turned(random.uniform(0, full_turn))(spiral), colour * 0.4,
         head.scale() * 0.03);
}

// Seen from the side: a cup of pointed petals, the front one last.
void paint_tulip(cv::Mat& canvas, const Pose& head, const Colour& colour, Random& random) {
  const Pose cup = head.moved({0, 0.85});
  const double spread = random.uniform(0.16, 0.4);
  const PetalForm form{
      .width = random.uniform(0.26, 0.34), .widest = 0.45, .base = 0.6, .tip = 0.85};
  const auto petal = [&](double lean, double length, double light) {
    const Point tip = cup({length * std::sin(lean), -length * std::cos(lean)});
    const Point base = cup({0, 0});
    PetalForm own = form;
    own.bend = -0.25 * lean;
    paint_petal(canvas,
                Pose(base, cv::norm(tip - base), std::atan2(tip.y - base.y, tip.x - base.x)), own,
                shaded(colour * light, random), random);
  };
  petal(-0.5 * spread, 1.75, 0.7);
  petal(0.5 * spread, 1.75, 0.7);
  petal(-spread, 1.7, 0.88);
  petal(spread, 1.7, 0.88);
  const double front_lean = random.uniform(-0.08, 0.08);
  petal(front_lean, random.uniform(1.5, 1.7), 1.0);
}

PetalForm leaf_form(Kind kind, Random& random) {
  switch (kind) {
    case Kind::tulip:
      return {.width = 0.1, .widest = 0.4, .base = 0.7, .tip = 1.2, .bend = 0.25};
    case Kind::rose:
      return {.width = 0.3, .widest = 0.45, .base = 0.7, .tip = 1.1, .wave = 0.1};
    case Kind::lily:
      return {.width = 0.12, .widest = 0.4, .tip = 1.4, .bend = 0.2};
    default:
      return {.width = random.uniform(0.12, 0.25), .widest = 0.5, .tip = 1.2, .wave = 0.2};
  }
}

void paint_stem(cv::Mat& canvas, Kind kind, Point top, double radius, Random& random) {
  const Point ground(top.x + radius * random.uniform(-1.2, 1.2), canvas.rows + radius);
  const Point control(top.x + radius * random.uniform(-0.5, 0.5), (top.y + ground.y) / 2);
  const Outline stem = curve(top, control, ground);
  const Colour green = leaf_colour(random);
  stroke(canvas, stem, green * 0.7, radius * random.uniform(0.09, 0.16));
  stroke(canvas, stem, green, radius * 0.05);
  const int leaves = 1 + static_cast<int>(random.below(4));
  for (int i = 0; i < leaves; ++i) {
    const Point at = stem[6 + random.below(stem.size() - 8)];
    const double side = random.chance(0.5) ? 0.0 : CV_PI;
    const double lean = side == 0.0 ? -random.uniform(0.2, 1.1) : random.uniform(0.2, 1.1);
    const double length = radius * (kind == Kind::tulip ? 2.0 : 1.0) * random.uniform(0.7, 1.3);
    const Colour colour = varied(green, 0.2, random);
    const PetalForm form = leaf_form(kind, random);
    paint_petal(canvas, Pose(at, length, side + lean), form, {colour * 0.75, colour, colour * 0.5},
                random);
  }
}

}  // namespace

const char* kind_name(Kind kind) {
  constexpr const char* names[] = {"daisy", "lily", "poppy", "rose", "tulip"};
  return names[static_cast<int>(kind)];
}

void paint_flower(cv::Mat& canvas, Kind kind, Point centre, double radius, Random& random) {
  paint_stem(canvas, kind, centre, radius, random);
  const Colour colour = petal_colour(kind, random);
  if (kind == Kind::tulip) {
    const Pose upright{centre, radius * 0.9, random.uniform(-0.35, 0.35),
                       random.uniform(0.85, 1.1)};
    paint_tulip(canvas, upright, colour, random);
    return;
  }
  const Pose head{centre, radius, random.uniform(-0.6, 0.6), random.uniform(0.55, 1.0)};
  constexpr void (*painters[])(cv::Mat&, const Pose&, const Colour&, Random&) = {
      paint_daisy, paint_lily, paint_poppy, paint_rose};
  painters[static_cast<int>(kind)](canvas, head, colour, random);
}

}  // namespace tl::demo
