// What a training said of each of its epochs, and which of them is the best.
#pragma once

#include "tl/eval/fields.h"

#include <nlohmann/json.hpp>

#include <string_view>
#include <vector>

namespace tl {

struct EpochMetrics {
  int epoch = 0;  // from 1
  double train_loss = 0;
  double train_accuracy = 0;  // share of the (augmented) images
  double val_loss = 0;
  double val_accuracy = 0;
  double lr = 0;                 // of the head, at the epoch's last step
  double seconds = 0;            // training and validation
  double images_per_second = 0;  // in training
};

// All but the epoch's number, in the order of metrics.jsonl. A curve is drawn of each whose key
// begins with "train_" or "val_".
const Fields<EpochMetrics>& epoch_fields();
// Throws Error(defect) where there is none of that key.
const Field<EpochMetrics>& epoch_field(std::string_view key);

// {"epoch": 1, KEY: number ...}, a line of metrics.jsonl; a number that is not finite is null.
nlohmann::ordered_json epoch_json(const EpochMetrics& metrics);
// The same backwards; a field that is missing or null is NaN. Throws nlohmann's exception where
// there is no epoch number.
EpochMetrics read_epoch(const nlohmann::ordered_json& json);

// `a` is better than `b` by that field, or, where they are equal, has the lower validation loss.
bool is_better(const EpochMetrics& a, const EpochMetrics& b, const Field<EpochMetrics>& by);
// Index of the best, of equals the first; 0 where there is no epoch.
std::size_t best_epoch(const std::vector<EpochMetrics>& history, const Field<EpochMetrics>& by);

}  // namespace tl
