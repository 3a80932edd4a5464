// What a person is told: warnings, tables, results.
#pragma once

#include "tl/data/faults.h"
#include "tl/eval/metrics.h"
#include "tl/run/prepared.h"
#include "tl/train/exact_head.h"

#include <nlohmann/json.hpp>

#include <string>

namespace tl {

// One line on stdout.
void print_json(const nlohmann::ordered_json& json);

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

// What an exact head was chosen by: a line for each choice of its inputs.
std::string exact_fit_text(const ExactFit& fit);

// The layer table and its totals; `frozen` layers are marked, -1: no choice to show.
std::string layer_table(const std::vector<Layer>& layers, const Totals& totals, int frozen);

// Headline numbers and a row a class.
std::string metrics_text(const Metrics& metrics, const std::string& split);

}  // namespace tl
