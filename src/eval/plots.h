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

// Training against validation over the epochs. Values that are not finite are left out.
std::string loss_plot(const std::vector<EpochCurve>& curves);
std::string accuracy_plot(const std::vector<EpochCurve>& curves);

}  // namespace tl
