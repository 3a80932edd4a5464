// What a person sees while a program works.
#pragma once

#include "tl/data/faults.h"
#include "tl/eval/metrics.h"
#include "tl/run/prepared.h"
#include "tl/run/progress.h"
#include "tl/train/trainer.h"

#include <nlohmann/json.hpp>

#include <string>

namespace tl {

// One line on stdout.
void print_json(const nlohmann::ordered_json& json);

// Epochs as log lines; steps as a live progress bar where `live`.
class ConsoleObserver : public TrainObserver {
 public:
  ConsoleObserver(int epochs, bool live) : epochs_(epochs), live_(live) {}
  void on_resume(int epoch, std::size_t step) override;
  void on_step(const StepMetrics& metrics) override;
  void on_epoch(const std::vector<EpochMetrics>& history, std::size_t best) override;

 private:
  int epochs_;
  bool live_;
};

// "label [####------] 12/40" as the status line; does nothing where not `live`.
Progress progress_bar(const std::string& label, bool live);

// Warns of each image that can't be used, or of the first ten where a file lists them all; and says
// how many there are.
void warn_of_skipped(const Dataset& dataset, const std::string& listed_in = "");

// [{path, reason}, ...]
nlohmann::ordered_json skipped_json(const Dataset& dataset);

// Says how many JPEGs lack their end mark, and are used all the same.
void warn_of_unended(const Dataset& dataset);

// The fault in one line, with its examples.
std::string fault_text(const Fault& fault);
// A warning for each fault of the data set; `input` is that of the network.
void warn_of_faults(const Dataset& dataset, const InputSpec& input);

// {all, trainable, frozen}
nlohmann::ordered_json totals_json(const Totals& totals);

// Images of each class in each split; only the first of many classes.
std::string class_table(const Dataset& dataset);

// What will run: data, classes and counts, model totals, device, threads.
std::string plan_text(const Prepared& prepared);

// The layer table and its totals; `frozen` layers are marked, -1: no choice to show.
std::string layer_table(const std::vector<Layer>& layers, const Totals& totals, int frozen);

// Headline numbers and a row a class.
std::string metrics_text(const Metrics& metrics, const std::string& split);

}  // namespace tl
