// Learning rate schedules: a factor on the rates of the optimizer, step by step.
#pragma once

#include "tl/config/train_options.h"

#include <cstdint>

namespace tl {

// The factor for `step` (from 0) of `steps`, with `steps_per_epoch` of them in an epoch.
// constant, step and cosine rise linearly over warmup_epochs first. cosine: Loshchilov and Hutter
// 2017 without restarts. one_cycle: Smith and Topin 2018, with cosine annealing as in PyTorch.
double rate_factor(const ScheduleOptions& options, std::int64_t step, std::int64_t steps,
                   std::int64_t steps_per_epoch);

}  // namespace tl
