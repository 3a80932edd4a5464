// Multinomial logistic regression with an L2 penalty: what the last linear layer behind a frozen
// network has to learn. The problem is convex, so it is solved, without epochs or a learning rate.
#pragma once

#include "tl/train/exact_head.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace tl {

struct LinearLayer {
  at::Tensor weight;  // classes x D, float
  at::Tensor bias;    // classes, float
};

// Features with mean 0 and variance 1 over the rows.
struct StandardFeatures {
  at::Tensor rows;   // N x D, float; columns that were constant are 0
  at::Tensor mean;   // D, double: of the features as they were
  at::Tensor scale;  // D, double: their standard deviation; infinite where they were constant

  // What a layer of these features is for the features as they were.
  LinearLayer undone(const LinearLayer& layer) const;
};
// `features`: N x D, of any floating-point type; float ones are changed in place.
StandardFeatures standardise(at::Tensor features);

// Rows to learn from, on the CPU.
struct LabelledRows {
  at::Tensor features;  // N x D, float, standard
  at::Tensor labels;    // N, int64, from 0 to classes - 1
  at::Tensor weights;   // N, float: how much a row counts in the loss
  std::int64_t classes = 0;
};

// Minimises  sum_i weight_i * cross_entropy_i / n + penalty / 2 * |W|^2  by L-BFGS (Liu and Nocedal
// 1989). n: the rows whose weight is above 0. scikit-learn's C is 1 / (n * penalty).
// With fewer rows than features it solves for N numbers a class instead of D: the solution is a
// combination of the rows. penalty > 0.
LinearLayer fit_logistic(const LabelledRows& rows, double penalty, const FitWatch& watch = {});

struct CrossValidation {
  std::vector<PenaltyScore> path;  // from the strongest penalty on; losses weighted as in training
  PenaltyScore best;
  // With the best penalty, of each row that was held out: its number, and what a layer that has not
  // seen its fold says of it (float, rows x classes).
  at::Tensor rows;
  at::Tensor probabilities;
};

// Of each row: the fold that it is held out with (from 0; -1: none), and whether a choice is judged
// by it then.
struct Folds {
  std::vector<int> of_row;
  std::int64_t judged = 0;  // the first so many rows; the others are learnt from alone
};

// Fits each penalty of a falling sequence without one fold after the other, and judges it on that
// fold, until two in a row gain less than a thousandth.
CrossValidation cross_validate(const LabelledRows& rows, const Folds& folds,
                               const FitWatch& watch = {});

}  // namespace tl
