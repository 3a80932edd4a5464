// Classification metrics on plain numbers.
#pragma once

#include "tl/eval/fields.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tl {

// What a classifier said of one image. `probabilities` has one entry a class and sums to 1.
struct Prediction {
  std::string path;
  int label = -1;
  std::vector<float> probabilities;
  // Negative log-likelihood of the label, nats, as the logits give it: a probability may be too
  // small for a number. None: it follows from the probability.
  std::optional<double> nll = std::nullopt;
};

struct ClassMetrics {
  std::string name;
  double precision = 0;  // 0 where nothing was predicted as the class
  double recall = 0;     // 0 where the class has no image
  double f1 = 0;
  std::int64_t support = 0;    // images of the class
  std::int64_t predicted = 0;  // images taken for the class
};

// Images whose top-1 confidence falls into one of 15 equal intervals (0, 1/15], (1/15, 2/15] ...
struct CalibrationBin {
  std::int64_t n = 0;
  double confidence = 0;  // mean, 0 in an empty bin
  double accuracy = 0;
};

struct Metrics {
  std::int64_t n = 0;
  double top1 = 0;                      // share of images, 0 to 1
  std::pair<double, double> top1_ci95;  // Wilson score interval
  double top5 = 0;                      // with fewer than five classes: 1
  double macro_f1 = 0;                  // over the classes that have images
  double nll = 0;                       // mean negative log-likelihood, nats
  double ece = 0;  // expected calibration error, 15 equal bins (Guo et al. 2017)
  std::vector<ClassMetrics> classes;
  std::vector<std::vector<std::int64_t>> confusion;  // [label][prediction]
  std::vector<CalibrationBin> calibration;           // what `ece` is made of
};

// The metrics, in the order of report.json, where `n` stands before them.
const Fields<Metrics>& metric_fields();
// Those of a class, where `name` stands before and `support` after them.
const Fields<ClassMetrics>& class_fields();

// The most probable class; of equals, the first.
int predicted_class(const Prediction& prediction);
// Its probability.
double confidence(const Prediction& prediction);

// Equal probabilities rank in class order. Throws Error(data) where there is no prediction, and
// Error(model) where a probability is not finite or there is not one for each class.
Metrics compute_metrics(const std::vector<Prediction>& predictions,
                        const std::vector<std::string>& classes);

}  // namespace tl
