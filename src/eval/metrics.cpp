#include "tl/eval/metrics.h"

#include "tl/base/error.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cmath>

namespace tl {
namespace {

constexpr int calibration_bins = 15;
constexpr double smallest_probability = 1e-12;

double nll_of(float probability) {
  return -std::log(std::max<double>(probability, smallest_probability));
}

void check(const std::vector<Prediction>& predictions, std::size_t classes) {
  if (predictions.empty()) {
    throw Error(ExitCode::data, "there is no image to evaluate", "",
                "check that the split has images, or choose another one");
  }
  for (const Prediction& p : predictions) {
    if (p.probabilities.size() != classes) {
      throw Error(ExitCode::model,
                  str("the model gives ", p.probabilities.size(), " probabilities, but there are ",
                      count(static_cast<std::int64_t>(classes), "class", "classes")),
                  p.path, "use data or a class list with one class for each output of the model");
    }
    if (p.label < 0 || static_cast<std::size_t>(p.label) >= classes) {
      throw Error(ExitCode::defect, str("label ", p.label, " is no class"), p.path);
    }
  }
}

// How many classes stand before the label when sorted by falling probability, then by number.
int rank_of_label(const Prediction& p) {
  const float own = p.probabilities[p.label];
  int rank = 0;
  for (int c = 0; c < static_cast<int>(p.probabilities.size()); ++c) {
    if (p.probabilities[c] > own || (p.probabilities[c] == own && c < p.label)) ++rank;
  }
  return rank;
}

std::pair<double, double> wilson_interval(double share, double n) {
  constexpr double z = 1.959963984540054;
  const double scale = 1 / (1 + z * z / n);
  const double centre = scale * (share + z * z / (2 * n));
  const double half = scale * z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

std::vector<CalibrationBin> calibrate(const std::vector<Prediction>& predictions) {
  std::vector<CalibrationBin> bins(calibration_bins);
  for (const Prediction& p : predictions) {
    const double sure = confidence(p);
    const int index = static_cast<int>(std::ceil(sure * calibration_bins)) - 1;
    CalibrationBin& bin = bins[std::clamp(index, 0, calibration_bins - 1)];
    ++bin.n;
    bin.confidence += sure;
    bin.accuracy += predicted_class(p) == p.label ? 1 : 0;
  }
  for (CalibrationBin& bin : bins) {
    if (bin.n == 0) continue;
    bin.confidence /= static_cast<double>(bin.n);
    bin.accuracy /= static_cast<double>(bin.n);
  }
  return bins;
}

double calibration_error(const std::vector<CalibrationBin>& bins, std::int64_t n) {
  double sum = 0;
  for (const CalibrationBin& bin : bins) {
    sum += static_cast<double>(bin.n) * std::abs(bin.accuracy - bin.confidence);
  }
  return sum / static_cast<double>(n);
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::vector<ClassMetrics> per_class(const std::vector<std::vector<std::int64_t>>& confusion,
                                    const std::vector<std::string>& names) {
  std::vector<ClassMetrics> classes;
  for (std::size_t c = 0; c < names.size(); ++c) {
    std::int64_t support = 0;
    std::int64_t predicted = 0;
    for (std::size_t other = 0; other < names.size(); ++other) {
      support += confusion[c][other];
      predicted += confusion[other][c];
    }
    const std::int64_t hits = confusion[c][c];
    classes.push_back({names[c], ratio(hits, predicted), ratio(hits, support),
                       ratio(2 * hits, predicted + support), support, predicted});
  }
  return classes;
}

double mean_f1(const std::vector<ClassMetrics>& classes) {
  double sum = 0;
  int with_images = 0;
  for (const ClassMetrics& c : classes) {
    if (c.support == 0) continue;
    sum += c.f1;
    ++with_images;
  }
  return sum / with_images;
}

}  // namespace

const Fields<Metrics>& metric_fields() {
  using M = Metrics;
  static const Fields<M> fields = {
      {"top1", "top-1 accuracy", &M::top1, Form::share, Better::higher, "", &M::top1_ci95},
      {"top5", "top-5 accuracy", &M::top5, Form::share, Better::higher, "label in the first 5",
       nullptr, [](const M& m) { return m.classes.size() > 5; }},
      {"macro_f1", "macro F1", &M::macro_f1, Form::share, Better::higher, "mean over classes"},
      {"nll", "log loss (NLL)", &M::nll, Form::nats, Better::lower, "nats"},
      {"ece", "calibration (ECE)", &M::ece, Form::share, Better::lower},
  };
  return fields;
}

const Fields<ClassMetrics>& class_fields() {
  using M = ClassMetrics;
  constexpr Form share = Form::share;
  constexpr Better higher = Better::higher;
  static const Fields<M> fields = {
      {"precision", "precision", &M::precision, share, higher,
       "of the images predicted as the class, how many are", nullptr,
       [](const M& c) { return c.predicted > 0; }},
      {"recall", "recall", &M::recall, share, higher,
       "of the images of the class, how many were found", nullptr,
       [](const M& c) { return c.support > 0; }},
      {"f1", "F1", &M::f1, share, higher, "their harmonic mean", nullptr,
       [](const M& c) { return c.predicted + c.support > 0; }},
  };
  return fields;
}

int predicted_class(const Prediction& prediction) {
  const auto& p = prediction.probabilities;
  return static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
}

double confidence(const Prediction& prediction) {
  return prediction.probabilities[predicted_class(prediction)];
}

Metrics compute_metrics(const std::vector<Prediction>& predictions,
                        const std::vector<std::string>& classes) {
  check(predictions, classes.size());
  Metrics m;
  m.n = static_cast<std::int64_t>(predictions.size());
  m.confusion.assign(classes.size(), std::vector<std::int64_t>(classes.size()));
  std::int64_t top1 = 0;
  std::int64_t top5 = 0;
  for (const Prediction& p : predictions) {
    const int rank = rank_of_label(p);
    top1 += rank == 0 ? 1 : 0;
    top5 += rank < 5 ? 1 : 0;
    m.nll += p.nll ? *p.nll : nll_of(p.probabilities[p.label]);
    ++m.confusion[p.label][predicted_class(p)];
  }
  m.top1 = ratio(top1, m.n);
  m.top1_ci95 = wilson_interval(m.top1, static_cast<double>(m.n));
  m.top5 = ratio(top5, m.n);
  m.nll /= static_cast<double>(m.n);
  m.calibration = calibrate(predictions);
  m.ece = calibration_error(m.calibration, m.n);
  m.classes = per_class(m.confusion, classes);
  m.macro_f1 = mean_f1(m.classes);
  return m;
}

}  // namespace tl
