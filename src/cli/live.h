// What is seen of a work while it goes on.
#pragma once

#include "tl/base/stopwatch.h"
#include "tl/run/progress.h"
#include "tl/train/trainer.h"

#include <string>
#include <vector>

namespace tl {

// A log line for each epoch, under headings; where `live`, a status line for each step. Both fit
// into 80 columns.
class ConsoleObserver : public TrainObserver {
 public:
  // `epochs`: that are trained; 0: the head is fitted at once.
  ConsoleObserver(int epochs, bool live) : epochs_(epochs), live_(live) {}
  void on_resume(int epoch, std::size_t step) override;
  void on_step(const StepMetrics& metrics) override;
  void on_exact_fit(const ExactFit& fit) override;
  void on_epoch(const std::vector<EpochMetrics>& history, std::size_t best) override;

 private:
  void log_step(const StepMetrics& metrics, double left);
  void print_headings();
  int epoch_width() const;  // of "7/20" in its column

  int epochs_;
  bool live_;
  bool has_headings_ = false;
  Stopwatch since_log_;  // a line was logged
  double epoch_seconds_ = 0;  // that the last epoch took; 0: none is over yet
};

// "label [####------] 12/40" as the status line; does nothing where not `live`.
Progress progress_bar(const std::string& label, bool live);

}  // namespace tl
