#include "eval/plots.h"

#include "catch.h"

#include <limits>

using namespace tl;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// `name` is that of the curves: "loss".
std::string plot_of(const std::string& name, const std::vector<EpochMetrics>& history) {
  for (const Curves& curves : all_curves()) {
    if (curves.name == name) return curves_plot(curves, history);
  }
  return {};
}

const double nan_value = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("curves map values to the drawing") {
  // Losses 1 and 0.5 on an axis from 0 to 1: 10 and 106 from the top; epochs 0 and 1 on 42 and 350.
  const std::string svg = plot_of("loss", {{0, 1, 0, 0.5, 0}, {1, 0.5, 0, 1, 0}});
  CHECK(has(svg, "<polyline class=\"train\" points=\"42.0,10.0 350.0,106.0 \"/>"));
  CHECK(has(svg, "<polyline class=\"val\" points=\"42.0,106.0 350.0,10.0 \"/>"));
}

TEST_CASE("accuracies are drawn in percent, near their own range") {
  const std::string svg = plot_of("accuracy", {{1, 0, 0.9, 0, 0.92}, {2, 0, 1.0, 0, 0.98}});
  CHECK(has(svg, ">100</text>"));
  CHECK(has(svg, ">90</text>"));
  CHECK_FALSE(has(svg, ">0</text>"));
  CHECK_FALSE(has(svg, ">102</text>"));
}

TEST_CASE("values that are not finite are left out") {
  const std::string svg = plot_of("loss", {{1, 1, 0, nan_value, 0}, {2, 0.5, 0, nan_value, 0}});
  CHECK(has(svg, "\"train\""));
  CHECK_FALSE(has(svg, "\"val\""));
  CHECK_FALSE(has(svg, "nan"));
  CHECK(plot_of("loss", {{1, nan_value, 0, nan_value, 0}}).empty());
}

TEST_CASE("one epoch, and a constant curve, are drawn") {
  for (const double value : {0.0, 1.0}) {
    const std::string svg = plot_of("accuracy", {{1, 0, value, 0, value}});
    CHECK(has(svg, "<circle class=\"val\""));
    CHECK_FALSE(has(svg, "nan"));
    CHECK_FALSE(has(svg, "inf"));
  }
}

TEST_CASE("the confusion matrix shows counts while they fit") {
  const Metrics few = compute_metrics({{"", 0, {1, 0}}, {"", 1, {1, 0}}}, {"a", "b"});
  const std::string svg = confusion_plot(few);
  CHECK(has(svg, "<title>a → a: 1 (100.0 %)</title>"));
  CHECK(has(svg, "<title>b → a: 1 (100.0 %)</title>"));
  CHECK(has(svg, ">b</text>"));
  CHECK(has(svg, ">1</text>"));
  CHECK(confusion_label_stride(2) == 1);
}

TEST_CASE("the confusion matrix of many classes names some and numbers none") {
  std::vector<std::string> classes;
  for (int c = 0; c < 120; ++c)
    classes.push_back("name " + std::to_string(c));
  Prediction p{"", 7, std::vector<float>(120)};
  p.probabilities[9] = 1;
  const std::string svg = confusion_plot(compute_metrics({p}, classes));
  const int stride = confusion_label_stride(120);
  // 720 / 120 = 6 pixels a class, and a line of text needs 12.
  CHECK(stride >= 2);
  CHECK(has(svg, ">name 0</text>"));
  CHECK(has(svg, ">name " + std::to_string(stride) + "</text>"));
  CHECK_FALSE(has(svg, ">name 1</text>"));
  CHECK(has(svg, "<title>name 7 → name 9: 1 (100.0 %)</title>"));
  CHECK_FALSE(has(svg, ">1</text>"));
}

TEST_CASE("the reliability diagram stands on the calibration bins") {
  // Confidence 0.75, accuracy 1/2: the dot is at 42 + 0.75 * 308 and 202 - 0.5 * 192.
  const Metrics m = compute_metrics({{"", 0, {0.75F, 0.25F}}, {"", 1, {0.75F, 0.25F}}}, {"a", "b"});
  const std::string svg = reliability_plot(m);
  CHECK(has(svg, "cx=\"273.0\" cy=\"106.0\""));
  CHECK(has(svg, "2 images, mean confidence 75.0 %, accuracy 50.0 %"));
}
