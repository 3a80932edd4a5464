// Runs held against each other, and runs that die. To be included behind small_run.h.
#pragma once

#include "catch.h"
#include "train/small_run.h"

namespace tl {

// Weights and every metric but the times.
inline void check_same(const Run& one, const TrainOutcome& outcome, const Run& other,
                       const TrainOutcome& expected) {
  REQUIRE(outcome.history.size() == expected.history.size());
  for (std::size_t i = 0; i < outcome.history.size(); ++i) {
    CHECK(outcome.history[i].train_loss == expected.history[i].train_loss);
    CHECK(outcome.history[i].train_accuracy == expected.history[i].train_accuracy);
    CHECK(outcome.history[i].val_loss == expected.history[i].val_loss);
    CHECK(outcome.history[i].lr == expected.history[i].lr);
  }
  CHECK(outcome.best == expected.best);
  CHECK(same_tensors(*one.model, *other.model));
}

// Dies at a step, as a killed process does: nothing more is written.
class Killer : public TrainObserver {
 public:
  explicit Killer(int at) : at_(at) {}
  void on_step(const StepMetrics& metrics) override {
    steps.push_back(metrics.step);
    if (std::ssize(steps) == at_) throw std::runtime_error("killed");
  }
  std::vector<std::size_t> steps;

 private:
  int at_;
};

}  // namespace tl
