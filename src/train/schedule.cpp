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

// Where a schedule is asked for its factor, in steps.
struct Place {
  std::int64_t step;  // from 0
  std::int64_t steps;
  std::int64_t steps_per_epoch;
};

template <typename Curve>
double warmup_steps(const Curve& curve, const Place& place) {
  return curve.warmup_epochs * static_cast<double>(place.steps_per_epoch);
}

double factor(const ConstantSchedule&, const Place&) {
  return 1;
}

double factor(const StepSchedule& curve, const Place& place) {
  return std::pow(curve.gamma, place.step / place.steps_per_epoch / curve.step_epochs);
}

double factor(const CosineSchedule& curve, const Place& place) {
  const double warmup = warmup_steps(curve, place);
  const double rest = std::max(1.0, static_cast<double>(place.steps) - warmup);
  return anneal(1, curve.final_factor, (static_cast<double>(place.step) - warmup) / rest);
}

double factor(const OneCycleSchedule& curve, const Place& place) {
  const auto step = static_cast<double>(place.step);
  const auto last = static_cast<double>(place.steps) - 1;
  const double peak = curve.rise * static_cast<double>(place.steps) - 1;
  if (step <= peak) return anneal(curve.start_factor, 1, peak > 0 ? step / peak : 1);
  const double fall = last - peak;
  return anneal(1, curve.final_factor, fall > 0 ? (step - peak) / fall : 1);
}

// The curve's factor behind its warm-up, where it has one.
template <typename Curve>
double warmed_up(const Curve& curve, const Place& place) {
  if constexpr (requires { curve.warmup_epochs; }) {
    const double warmup = warmup_steps(curve, place);
    const auto step = static_cast<double>(place.step);
    if (step < warmup) return (step + 1) / (warmup + 1);
  }
  return factor(curve, place);
}

}  // namespace

double rate_factor(const ScheduleOptions& options, std::int64_t step, std::int64_t steps,
                   std::int64_t steps_per_epoch) {
  const Place place{step, steps, steps_per_epoch};
  return std::visit([&](const auto& curve) { return warmed_up(curve, place); }, options.curve);
}

}  // namespace tl
