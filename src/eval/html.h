// The page report.html, as text.
#pragma once

#include "tl/eval/report.h"

#include <string>

namespace tl {

// The style sheet, for light and dark screens.
extern const char* const report_style;

std::string report_page(const ReportInput& input, const Metrics& metrics);

}  // namespace tl
