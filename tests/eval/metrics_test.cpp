#include "tl/eval/metrics.h"

#include "catch.h"
#include "tl/base/error.h"

#include <cmath>
#include <set>

using namespace tl;

namespace {

const std::vector<std::string> abc = {"a", "b", "c"};

// Label and prediction by hand, with a confidence of 0.8.
Prediction says(int label, int predicted, int classes = 3) {
  Prediction p{"x.jpg", label, std::vector<float>(classes, 0.2F / static_cast<float>(classes - 1))};
  p.probabilities[predicted] = 0.8F;
  return p;
}

ExitCode code_of(const std::vector<Prediction>& predictions) {
  try {
    compute_metrics(predictions, abc);
  } catch (const Error& e) {
    return e.code();
  }
  return ExitCode::ok;
}

}  // namespace

TEST_CASE("metrics of a small confusion matrix") {
  // Rows are labels:   a: 3 1 0   b: 1 1 0   c: 0 2 2
  std::vector<Prediction> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(says(0, 0));
  all.push_back(says(0, 1));
  all.push_back(says(1, 0));
  all.push_back(says(1, 1));
  for (int i = 0; i < 2; ++i)
    all.push_back(says(2, 1));
  for (int i = 0; i < 2; ++i)
    all.push_back(says(2, 2));
  const Metrics m = compute_metrics(all, abc);

  CHECK(m.n == 10);
  CHECK(m.confusion == std::vector<std::vector<std::int64_t>>{{3, 1, 0}, {1, 1, 0}, {0, 2, 2}});
  CHECK(m.top1 == Approx(0.6));
  CHECK(m.top5 == 1);
  // a: precision 3/4, recall 3/4; b: 1/4, 1/2; c: 2/2, 2/4.
  CHECK(m.classes[0].precision == Approx(0.75));
  CHECK(m.classes[0].recall == Approx(0.75));
  CHECK(m.classes[1].precision == Approx(0.25));
  CHECK(m.classes[1].recall == Approx(0.5));
  CHECK(m.classes[1].f1 == Approx(1.0 / 3));
  CHECK(m.classes[2].precision == Approx(1));
  CHECK(m.classes[2].f1 == Approx(2.0 / 3));
  CHECK(m.classes[2].support == 4);
  CHECK(m.macro_f1 == Approx((0.75 + 1.0 / 3 + 2.0 / 3) / 3));
  // Six labels had probability 0.8 and four 0.1.
  CHECK(m.nll == Approx(-(6 * std::log(0.8) + 4 * std::log(0.1)) / 10));
  // One bin holds all: confidence 0.8, accuracy 0.6.
  CHECK(m.ece == Approx(0.2));
}

TEST_CASE("the Wilson interval") {
  // 8 of 10: (0.8 + 3.8415/20 +- 1.96 sqrt(0.16/10 + 3.8415/400)) / (1 + 3.8415/10)
  std::vector<Prediction> all(8, says(0, 0));
  all.resize(10, says(0, 1));
  const auto [low, high] = compute_metrics(all, abc).top1_ci95;
  CHECK(low == Approx(0.49016).margin(1e-5));
  CHECK(high == Approx(0.94332).margin(1e-5));
}

TEST_CASE("one image, right or wrong") {
  const Metrics right = compute_metrics({says(1, 1)}, abc);
  CHECK(right.top1 == 1);
  // With p = 1 the lower end is n / (n + z^2) = 1 / 4.8415.
  CHECK(right.top1_ci95.first == Approx(0.20655).margin(1e-5));
  CHECK(right.top1_ci95.second == Approx(1));
  CHECK(right.macro_f1 == 1);

  const Metrics wrong = compute_metrics({says(1, 2)}, abc);
  CHECK(wrong.top1 == 0);
  CHECK(wrong.top1_ci95.first == Approx(0).margin(1e-12));
  CHECK(wrong.top1_ci95.second == Approx(0.79345).margin(1e-5));
  CHECK(wrong.macro_f1 == 0);
}

TEST_CASE("a class without images does not count in macro F1, one that is never predicted does") {
  // b has no image and is never predicted: 0, and left out of the mean.
  const Metrics absent = compute_metrics({says(0, 0), says(2, 2)}, abc);
  CHECK(absent.classes[1].support == 0);
  CHECK(absent.classes[1].precision == 0);
  CHECK(absent.classes[1].recall == 0);
  CHECK(absent.classes[1].f1 == 0);
  CHECK(absent.macro_f1 == 1);
  // c has an image, but everything is called a: F1 of a 2/3, of c 0.
  const Metrics missed = compute_metrics({says(0, 0), says(2, 0)}, abc);
  CHECK(missed.classes[2].precision == 0);
  CHECK(missed.macro_f1 == Approx(1.0 / 3));
}

TEST_CASE("the loss is what the logits give, where they are known") {
  Prediction sure = says(0, 1);
  sure.probabilities = {0, 1, 0};
  CHECK(compute_metrics({sure}, abc).nll == Approx(-std::log(1e-12)));
  sure.nll = 60;
  CHECK(compute_metrics({sure}, abc).nll == 60);
}

TEST_CASE("equal probabilities rank in class order") {
  CHECK(predicted_class({"", 0, {0.4F, 0.4F, 0.2F}}) == 0);
  std::vector<std::string> seven(7, "c");
  const std::vector<float> flat(7, 1.0F / 7);
  CHECK(compute_metrics({{"", 4, flat}}, seven).top5 == 1);
  CHECK(compute_metrics({{"", 5, flat}}, seven).top5 == 0);
  CHECK(compute_metrics({{"", 0, flat}}, seven).top1 == 1);
  CHECK(compute_metrics({{"", 1, flat}}, seven).top1 == 0);
}

TEST_CASE("top-5 counts the label among the five most probable") {
  const std::vector<std::string> six(6, "c");
  const std::vector<float> falling = {0.3F, 0.25F, 0.2F, 0.12F, 0.08F, 0.05F};
  CHECK(compute_metrics({{"", 4, falling}, {"", 5, falling}}, six).top5 == 0.5);
}

TEST_CASE("the log-likelihood of an impossible label is finite") {
  const Metrics m = compute_metrics({{"", 0, {0, 1, 0}}}, abc);
  CHECK(m.nll == Approx(-std::log(1e-12)));
}

TEST_CASE("calibration bins") {
  // 0.5 and 0.52 share the bin (7/15, 8/15], one of them right; 0.9 stands alone in (13/15, 14/15].
  const Metrics m = compute_metrics(
      {{"", 0, {0.5F, 0.3F, 0.2F}}, {"", 1, {0.52F, 0.28F, 0.2F}}, {"", 2, {0, 0.1F, 0.9F}}}, abc);
  REQUIRE(m.calibration.size() == 15);
  CHECK(m.calibration[7].n == 2);
  CHECK(m.calibration[7].confidence == Approx(0.51));
  CHECK(m.calibration[7].accuracy == Approx(0.5));
  CHECK(m.calibration[13].n == 1);
  CHECK(m.ece == Approx((2 * 0.01 + 0.1) / 3).epsilon(1e-5));
  // Complete certainty falls into the last bin.
  CHECK(compute_metrics({{"", 0, {1, 0, 0}}}, abc).calibration[14].n == 1);
}

TEST_CASE("bad input is an error") {
  CHECK(code_of({}) == ExitCode::data);
  CHECK(code_of({{"x", 0, {0.5F, 0.5F}}}) == ExitCode::model);
  CHECK(code_of({{"x", -1, {1, 0, 0}}}) == ExitCode::defect);
  CHECK(code_of({{"x", 3, {1, 0, 0}}}) == ExitCode::defect);
}

TEST_CASE("each metric has one field, under a key of its own") {
  const Metrics m =
      compute_metrics({{"", 0, {0.75F, 0.25F}}, {"", 1, {0.625F, 0.375F}}}, {"a", "b"});
  std::set<std::string> keys = {"split", "n", "classes"};
  for (const auto& field : metric_fields()) {
    CHECK(keys.insert(field.key).second);
    CHECK(field.is_defined(m) == (std::string(field.key) != "top5"));  // of two classes
    CHECK(field.better != Better::neither);
  }
  const auto* top1 = find_field(metric_fields(), "top1");
  REQUIRE(top1 != nullptr);
  CHECK(top1->of(m) == 0.5);
  CHECK(m.*top1->ci95 == m.top1_ci95);
  CHECK(top1->gain(0.5, 0.75) == 0.25);
  CHECK(find_field(metric_fields(), "nll")->gain(0.5, 0.75) == -0.25);
  CHECK(find_field(metric_fields(), "luck") == nullptr);
}

TEST_CASE("a class without images has no recall, one that is never predicted no precision") {
  const Metrics m = compute_metrics({{"", 0, {0, 1, 0}}}, {"a", "b", "c"});
  const auto defined = [&](const char* key, int c) {
    return find_field(class_fields(), key)->is_defined(m.classes[c]);
  };
  CHECK_FALSE(defined("precision", 0));
  CHECK(defined("recall", 0));
  CHECK(defined("f1", 0));
  CHECK(defined("precision", 1));
  CHECK_FALSE(defined("recall", 1));
  CHECK(defined("f1", 1));
  CHECK_FALSE(defined("f1", 2));
}
