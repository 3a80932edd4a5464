// Faults of a data set that cost accuracy and would go unnoticed: training works, the score is
// worse than it could be, or looks better than it is.
#pragma once

#include "tl/config/input_spec.h"
#include "tl/data/dataset.h"

#include <optional>
#include <string>
#include <vector>

namespace tl {

struct Fault {
  std::string kind;                // one word for programs, such as "in_two_splits"
  std::string message;             // for people, in one line: what, how many, and what to do
  std::vector<std::string> paths;  // up to three examples, relative to the root
};

// kind            what
// in_two_splits   the same image, byte for byte, in several splits
// in_two_classes  the same image in several classes
// repeated        many further copies of images within their class and split
// absent_class    a class that a split lacks
// few_images      a class with too few images in a split to learn from or to be judged by
// imbalance       a class with many times the training images of another
// small_images    images far smaller than the network's input
//
// At most one fault a kind, in this order, for a data set with labels. Samples of unknown content
// or size are passed over, and without `input` there are no small images. Takes O(n log n).
std::vector<Fault> find_faults(const Dataset& dataset, const std::optional<InputSpec>& input);

}  // namespace tl
