#include "eval/markup.h"
#include "eval/plots.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cmath>

namespace tl {
namespace {

constexpr double area = 720;        // the matrix grows up to this ...
constexpr double widest_cell = 72;  // ... in cells up to this
constexpr double font = 12;
constexpr std::size_t longest_name = 22;

double cell_size(std::size_t classes) {
  return std::min(widest_cell, area / static_cast<double>(classes));
}

// Where things stand, in pixels.
struct Layout {
  double cell = 0;
  int stride = 1;
  double left = 0, top = 0, right = 0;
  bool slanted = false;  // the names above the columns; upright where the cells are narrow
};

Layout lay_out(const Metrics& metrics) {
  Layout layout;
  layout.cell = cell_size(metrics.classes.size());
  layout.stride = confusion_label_stride(metrics.classes.size());
  layout.slanted = layout.cell >= 1.6 * font;
  const double slope = std::sqrt(0.5);
  const double side = layout.cell * static_cast<double>(metrics.classes.size());
  double widest = 0;
  layout.right = 8;
  for (std::size_t c = 0; c < metrics.classes.size(); c += layout.stride) {
    const double width = font * text_width(shorten(metrics.classes[c].name, longest_name));
    widest = std::max(widest, width);
    if (!layout.slanted) continue;
    const double middle = layout.cell * (static_cast<double>(c) + 0.5);
    layout.right = std::max(layout.right, middle + slope * width + 8 - side);
  }
  layout.left = widest + 12;
  layout.top = layout.slanted ? slope * widest + 20 : widest + 12;
  return layout;
}

std::string names(const Metrics& metrics, const Layout& layout) {
  std::string svg;
  const double x = layout.left - 8;
  const double y = layout.top - 6;
  for (std::size_t c = 0; c < metrics.classes.size(); c += layout.stride) {
    const double middle = layout.cell * (static_cast<double>(c) + 0.5);
    const std::string name = escape(shorten(metrics.classes[c].name, longest_name));
    const double column = layout.left + middle + (layout.slanted ? 0 : font / 3);
    svg +=
        str("<text text-anchor=\"end\" x=\"", px(x), "\" y=\"", px(layout.top + middle + font / 3),
            "\">", name, "</text><text transform=\"translate(", px(column), ' ', px(y), ") rotate(",
            layout.slanted ? -45 : -90, ")\">", name, "</text>");
  }
  return svg;
}

std::string numbers(double x, double y, double cell, std::int64_t n, double share) {
  const std::string digits = std::to_string(n);
  const bool with_share = cell >= 48 && n > 0;
  const double size =
      std::min(with_share ? 17.0 : 13.0, 1.45 * cell / static_cast<double>(digits.size()));
  const char* const tone = share > 0.7 ? "on" : n == 0 ? "none" : "";
  const double middle = x + cell / 2;
  std::string svg =
      str("<text class=\"number ", tone, "\" text-anchor=\"middle\" style=\"font-size:", px(size),
          "px\" x=\"", px(middle), "\" y=\"", px(y + cell / 2 + (with_share ? 0 : size / 3)), "\">",
          digits, "</text>");
  if (with_share) {
    svg += str("<text class=\"share ", tone, "\" text-anchor=\"middle\" x=\"", px(middle),
               "\" y=\"", px(y + cell / 2 + 16), "\">", percent(share), "</text>");
  }
  return svg;
}

std::string cell_svg(const Metrics& metrics, const Layout& layout, std::size_t row,
                     std::size_t column) {
  const std::int64_t n = metrics.confusion[row][column];
  const bool small = layout.cell < 26;
  if (n == 0 && small) return {};
  const double share =
      n == 0 ? 0 : static_cast<double>(n) / static_cast<double>(metrics.classes[row].support);
  const double gap = layout.cell < 10 ? 0 : 1;
  const double x = layout.left + layout.cell * static_cast<double>(column);
  const double y = layout.top + layout.cell * static_cast<double>(row);
  // A single image among hundreds would be invisible at its true share.
  const double faintest = small ? 0.3 : 0.15;
  const double opacity = n == 0 ? 0.05 : faintest + (1 - faintest) * share;
  const char* const kind = n == 0 ? "none" : row == column ? "hit" : "miss";
  const double side = std::max(layout.cell - 2 * gap, 0.5);
  std::string svg =
      str("<rect class=\"", kind, "\" x=\"", fixed(x + gap, 2), "\" y=\"", fixed(y + gap, 2),
          "\" width=\"", fixed(side, 2), "\" height=\"", fixed(side, 2), "\" rx=\"", small ? 0 : 4,
          "\" fill-opacity=\"", fixed(opacity, 2), "\"><title>", escape(metrics.classes[row].name),
          " → ", escape(metrics.classes[column].name), ": ", n, " (", percent(share),
          ")</title></rect>");
  if (!small) svg += numbers(x, y, layout.cell, n, share);
  return svg;
}

}  // namespace

int confusion_label_stride(std::size_t classes) {
  return static_cast<int>(std::ceil(1.1 * font / cell_size(classes)));
}

std::string confusion_plot(const Metrics& metrics) {
  const Layout layout = lay_out(metrics);
  const std::size_t n = metrics.classes.size();
  const double side = layout.cell * static_cast<double>(n);
  const double width = layout.left + side + layout.right;
  const double height = layout.top + side + 4;
  std::string svg = str(
      "<svg class=\"confusion\" role=\"img\" aria-label=\"confusion matrix\" width=\"", px(width),
      "\" viewBox=\"0 0 ", px(width), ' ', px(height), "\" style=\"min-width:", px(0.7 * width),
      "px\"><rect class=\"ground\" x=\"", px(layout.left), "\" y=\"", px(layout.top), "\" width=\"",
      px(side), "\" height=\"", px(side), "\"/>");
  svg += names(metrics, layout);
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      svg += cell_svg(metrics, layout, row, column);
    }
  }
  return svg + "</svg>";
}

}  // namespace tl
