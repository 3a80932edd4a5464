#include "tl/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tl {
namespace {

// From `start` to `end` along half a cosine, as `share` goes from 0 to 1.
double anneal(double start, double end, double share) {
  return end + (start - end) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

double one_cycle(const ScheduleOptions& options, double step, double steps) {
  const double peak = options.rise * steps - 1;
  if (step <= peak) return anneal(options.start_factor, 1, peak > 0 ? step / peak : 1);
  const double fall = steps - 1 - peak;
  return anneal(1, options.final_factor, fall > 0 ? (step - peak) / fall : 1);
}

}  // namespace

double rate_factor(const ScheduleOptions& options, std::int64_t step, std::int64_t steps,
                   std::int64_t steps_an_epoch) {
  const auto at = static_cast<double>(step);
  if (options.name == ScheduleName::one_cycle) {
    return one_cycle(options, at, static_cast<double>(steps));
  }
  const double warmup = options.warmup_epochs * static_cast<double>(steps_an_epoch);
  if (at < warmup) return (at + 1) / (warmup + 1);
  switch (options.name) {
    case ScheduleName::step:
      return std::pow(options.gamma, step / steps_an_epoch / options.step_epochs);
    case ScheduleName::cosine: {
      const double rest = std::max(1.0, static_cast<double>(steps) - warmup);
      return anneal(1, options.final_factor, (at - warmup) / rest);
    }
    default:
      return 1;
  }
}

}  // namespace tl
