// A model judged on labelled images.
#pragma once

#include "tl/data/dataset.h"
#include "tl/engine/inference.h"
#include "tl/eval/metrics.h"
#include "tl/run/progress.h"
#include "tl/train/feature_source.h"
#include "tl/train/objective.h"

#include <functional>
#include <optional>
#include <vector>

namespace tl {

struct ClassifyOptions {
  InputSpec input;
  int batch_size = 32;
  int workers = 1;
};

// Class probabilities for the given samples, in their order.
std::vector<Prediction> classify(const Classifier& classifier, const Objective& objective,
                                 const Dataset& dataset, const std::vector<std::size_t>& samples,
                                 const ClassifyOptions& options, const Progress& progress = {});

// The same from features, which come in the order of `samples`, and what is trained on them. None
// where a stop was requested, which is asked before each batch.
std::optional<std::vector<Prediction>> classify(FeatureSource& features, const Trainee& trainee,
                                                const Objective& objective, const Dataset& dataset,
                                                const std::vector<std::size_t>& samples,
                                                const std::function<bool()>& stop_requested);

}  // namespace tl
