// The head as a convex problem, where all in front of its only Linear is frozen: multinomial
// logistic regression, solved at once, in place of epochs.
#pragma once

#include "tl/config/model_options.h"
#include "tl/model/model.h"
#include "tl/train/feature_source.h"
#include "tl/train/objective.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tl {

// How well a head does on folds that it was not fitted on.
struct PenaltyScore {
  double penalty = 0;   // of the squared weights, beside the mean loss of an image
  double log_loss = 0;  // nats, mean over the images
};

// One choice of inputs, from the last of those that the model offers on.
struct InputScore {
  std::vector<std::string> layers;  // "" where no layer stands in front of the head
  std::int64_t columns = 0;
  std::vector<PenaltyScore> path;  // from the strongest penalty on
  PenaltyScore best;
};

// What was chosen, and by what.
struct ExactFit {
  std::int64_t images = 0;
  std::int64_t rows = 0;  // images times views
  int folds = 0;          // 1: a single part was held out
  std::vector<InputScore> tried;
  std::size_t chosen = 0;  // index into tried
  double train_loss = 0;   // mean over the images as evaluation sees them
  double train_accuracy = 0;
};

// Where the head's images come from.
struct ExactHeadData {
  std::unique_ptr<FeatureSource> plain;  // the training images in order, as evaluation sees them
  std::unique_ptr<FeatureSource> augmented;  // the same in the same order, a view an epoch
  int views = 0;                             // of `augmented` that are learnt from; 0: it is null
  // What folds may not tear apart: a number for each training image, the same for copies.
  std::vector<std::size_t> groups;
  const Objective& objective;  // must outlive the head
};

// Who waits for a fit. Both may be empty.
struct FitWatch {
  // Asked now and then; true: the fit ends with Error(interrupted).
  std::function<bool()> stop = {};
  // In penalties tried, of at most `total`.
  std::function<void(std::size_t done, std::size_t total)> progress = {};
};

class ExactHead {
 public:
  // `inputs`: those of the model's head, in the order of the features' columns.
  ExactHead(ExactHeadData data, const HeadOptions& options, std::vector<HeadInput> inputs,
            std::int64_t classes, std::uint64_t seed)
      : data_(std::move(data)),
        options_(options),
        inputs_(std::move(inputs)),
        classes_(classes),
        seed_(seed) {}

  // Sets the weights of the trainee, whose only layer is the head's Linear; inputs that were not
  // chosen get weights of 0. Throws Error(failure) on features that are not finite, or the same for
  // all images.
  ExactFit fit(const Trainee& trainee, const FitWatch& watch) const;

  bool refits() const { return options_.refit; }
  // Again with what `fit` chose, on the images of `val` too.
  void refit(const ExactFit& chosen, FeatureSource& val, const Trainee& trainee,
             const FitWatch& watch) const;

 private:
  ExactHeadData data_;
  HeadOptions options_;
  std::vector<HeadInput> inputs_;
  std::int64_t classes_;
  std::uint64_t seed_;
};

}  // namespace tl
