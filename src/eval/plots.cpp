#include "eval/plots.h"

#include "eval/markup.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cmath>

namespace tl {
namespace {

struct Point {
  double x = 0, y = 0;
};

struct Series {
  std::string style;  // its class in the style sheet
  std::vector<Point> points;
};

// An axis from `low` to `high` with a tick every `step`.
struct Axis {
  double low = 0, high = 1, step = 0.2;
};

// Snaps a range to about five round steps of 1, 2 or 5 times a power of ten.
Axis round_axis(double low, double high, double smallest_step) {
  const double span = std::max(high - low, smallest_step);
  const double power = std::pow(10.0, std::floor(std::log10(span / 5)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (span / (factor * power) <= 6) step = factor * power;
  }
  step = std::max(step, smallest_step);
  Axis axis{std::floor(low / step + 1e-9) * step, std::ceil(high / step - 1e-9) * step, step};
  if (axis.high <= axis.low) axis.high = axis.low + step;
  return axis;
}

std::string tick_label(double value, double step) {
  const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  return fixed(value, digits);
}

// Maps data to a drawing of 360 x 240.
class Frame {
 public:
  Frame(Axis x, Axis y) : x_(x), y_(y) {}

  double x(double value) const { return left_ + width_ * (value - x_.low) / (x_.high - x_.low); }
  double y(double value) const { return bottom_ - height_ * (value - y_.low) / (y_.high - y_.low); }
  std::string at(const Point& p) const { return px(x(p.x)) + ',' + px(y(p.y)); }

  std::string begin(const std::string& label, const std::string& x_title) const {
    std::string svg =
        str("<svg class=\"plot\" role=\"img\" aria-label=\"", label, "\" viewBox=\"0 0 360 240\">");
    for (double v = y_.low; v <= y_.high + y_.step / 2; v += y_.step) {
      svg += str("<line class=\"grid\" x1=\"", px(left_), "\" x2=\"", px(left_ + width_),
                 "\" y1=\"", px(y(v)), "\" y2=\"", px(y(v)), "\"/><text text-anchor=\"end\" x=\"",
                 px(left_ - 6), "\" y=\"", px(y(v) + 4), "\">", tick_label(v, y_.step), "</text>");
    }
    for (double v = x_.low; v <= x_.high + 1e-9; v += x_.step) {
      svg += str("<text text-anchor=\"middle\" x=\"", px(x(v)), "\" y=\"", px(bottom_ + 16), "\">",
                 tick_label(v, x_.step), "</text>");
    }
    return svg + str("<text text-anchor=\"middle\" x=\"", px(left_ + width_ / 2), "\" y=\"236\">",
                     x_title, "</text>");
  }

 private:
  double left_ = 42, width_ = 308, bottom_ = 202, height_ = 192;
  Axis x_, y_;
};

std::string draw(const Frame& frame, const Series& series) {
  if (series.points.empty()) return {};
  std::string path;
  for (const Point& p : series.points)
    path += frame.at(p) + ' ';
  const Point& last = series.points.back();
  return str("<polyline class=\"", series.style, "\" points=\"", path, "\"/><circle class=\"",
             series.style, "\" cx=\"", px(frame.x(last.x)), "\" cy=\"", px(frame.y(last.y)),
             "\" r=\"3\"/>");
}

// None where there is no such field.
Series series_of(const std::string& style, const Field<EpochMetrics>* field,
                 const std::vector<EpochMetrics>& history) {
  Series series{style, {}};
  if (field == nullptr) return series;
  const double factor = field->form == Form::share ? 100 : 1;
  for (const EpochMetrics& epoch : history) {
    const double value = field->of(epoch);
    if (std::isfinite(value)) {
      series.points.push_back({static_cast<double>(epoch.epoch), factor * value});
    }
  }
  return series;
}

std::string epochs_plot(const std::string& label, const std::vector<Series>& all, Axis range,
                        double smallest_step) {
  double first = 1e9;
  double last = 0;
  for (const Series& series : all) {
    for (const Point& p : series.points) {
      range = {std::min(range.low, p.y), std::max(range.high, p.y), 0};
      first = std::min(first, p.x);
      last = std::max(last, p.x);
    }
  }
  if (first > last) return {};
  const Frame frame(round_axis(first, last, 1), round_axis(range.low, range.high, smallest_step));
  std::string svg = frame.begin(label, "epoch");
  for (const Series& series : all)
    svg += draw(frame, series);
  return svg + "</svg>";
}

}  // namespace

std::vector<Curves> all_curves() {
  std::vector<Curves> all;
  for (const auto& field : epoch_fields()) {
    const std::string_view key = field.key;
    const std::size_t split = key.find('_') + 1;
    const bool train = key.starts_with("train_");
    if (!train && !key.starts_with("val_")) continue;
    const std::string name(key.substr(split));
    auto curves = std::find_if(all.begin(), all.end(), [&](auto& c) { return c.name == name; });
    if (curves == all.end()) curves = all.insert(all.end(), {name});
    (train ? curves->train : curves->val) = &field;
  }
  return all;
}

std::string curves_plot(const Curves& curves, const std::vector<EpochMetrics>& history) {
  const bool share = curves.form() == Form::share;
  // A share has an axis near its own range; others begin at 0.
  return epochs_plot(
      curves.name + " by epoch",
      {series_of("train", curves.train, history), series_of("val", curves.val, history)},
      share ? Axis{100, 0, 0} : Axis{0, 0, 0}, share ? 1 : 1e-6);
}

std::string reliability_plot(const Metrics& metrics) {
  const Frame frame({0, 1, 0.2}, {0, 1, 0.2});
  std::string svg = frame.begin("accuracy by confidence", "confidence");
  const double bins = static_cast<double>(metrics.calibration.size());
  const double width = frame.x(1 / bins) - frame.x(0);
  std::string line;
  std::string dots;
  for (std::size_t b = 0; b < metrics.calibration.size(); ++b) {
    const CalibrationBin& bin = metrics.calibration[b];
    if (bin.n == 0) continue;
    const double share = static_cast<double>(bin.n) / static_cast<double>(metrics.n);
    const std::string title =
        str("<title>", count(bin.n, "image"), ", mean confidence ", percent(bin.confidence),
            ", accuracy ", percent(bin.accuracy), "</title>");
    svg += str("<rect class=\"count\" x=\"", px(frame.x(static_cast<double>(b) / bins) + 1),
               "\" y=\"", px(frame.y(share)), "\" width=\"", px(width - 2), "\" height=\"",
               px(frame.y(0) - frame.y(share)), "\">", title, "</rect>");
    line += frame.at({bin.confidence, bin.accuracy}) + ' ';
    dots += str("<circle class=\"val\" cx=\"", px(frame.x(bin.confidence)), "\" cy=\"",
                px(frame.y(bin.accuracy)), "\" r=\"", px(2.5 + 4 * std::sqrt(share)), "\">", title,
                "</circle>");
  }
  return svg + str("<line class=\"ideal\" x1=\"", px(frame.x(0)), "\" y1=\"", px(frame.y(0)),
                   "\" x2=\"", px(frame.x(1)), "\" y2=\"", px(frame.y(1)),
                   "\"/><polyline class=\"val\" points=\"", line, "\"/>", dots, "</svg>");
}

}  // namespace tl
