#include "tl/train/schedule.h"

#include "catch.h"

using namespace tl;

TEST_CASE("a constant schedule leaves the rate alone") {
  CHECK(rate_factor({ConstantSchedule{}}, 17, 100, 10) == 1);
}

TEST_CASE("warm-up rises linearly to the full rate") {
  ConstantSchedule constant;
  constant.warmup_epochs = 1;
  CHECK(rate_factor({constant}, 0, 100, 4) == Approx(0.2));
  CHECK(rate_factor({constant}, 3, 100, 4) == Approx(0.8));
  CHECK(rate_factor({constant}, 4, 100, 4) == 1);
}

TEST_CASE("step multiplies by gamma every few epochs") {
  StepSchedule step;
  step.step_epochs = 2;
  step.gamma = 0.5;
  CHECK(rate_factor({step}, 19, 100, 10) == 1);
  CHECK(rate_factor({step}, 20, 100, 10) == 0.5);
  CHECK(rate_factor({step}, 40, 100, 10) == 0.25);
}

TEST_CASE("cosine falls from one to the final factor") {
  CosineSchedule cosine;
  cosine.final_factor = 0.1;
  CHECK(rate_factor({cosine}, 0, 100, 10) == 1);
  CHECK(rate_factor({cosine}, 50, 100, 10) == Approx(0.55));
  CHECK(rate_factor({cosine}, 100, 100, 10) == Approx(0.1));
}

TEST_CASE("one-cycle has the values of torch.optim.lr_scheduler.OneCycleLR") {
  // OneCycleLR(max_lr=1, total_steps=10, pct_start=0.3, div_factor=25, final_div_factor=400):
  // its phases end at steps 0.3 * 10 - 1 = 2 and 9.
  const ScheduleOptions one_cycle{OneCycleSchedule{}};
  CHECK(rate_factor(one_cycle, 0, 10, 5) == Approx(0.04));
  CHECK(rate_factor(one_cycle, 1, 10, 5) == Approx(0.52));
  CHECK(rate_factor(one_cycle, 2, 10, 5) == Approx(1.0));
  CHECK(rate_factor(one_cycle, 9, 10, 5) == Approx(1e-4));
}
