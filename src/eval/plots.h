// Inline SVG pictures; their colours are the style sheet's.
#pragma once

#include "tl/eval/report.h"

#include <string>
#include <vector>

namespace tl {

// Cells coloured by the share of their row. Up to some two dozen classes the counts stand in them;
// beyond, the cells shrink and only every `confusion_label_stride`-th class is named.
std::string confusion_plot(const Metrics& metrics);
int confusion_label_stride(std::size_t classes);

// Accuracy by confidence, over a histogram of the confidences: the bins of Metrics::calibration.
std::string reliability_plot(const Metrics& metrics);

// The fields "train_NAME" and "val_NAME" of an epoch, of which one may be missing.
struct Curves {
  std::string name;  // "loss"
  const Field<EpochMetrics>* train = nullptr;
  const Field<EpochMetrics>* val = nullptr;

  Form form() const { return (val != nullptr ? val : train)->form; }
};
// In the order of the table of fields.
std::vector<Curves> all_curves();

// Training against validation over the epochs, shares in percent. Values that are not finite are
// left out; "" where none is left.
std::string curves_plot(const Curves& curves, const std::vector<EpochMetrics>& history);

}  // namespace tl
