// Faults of a data set that cost accuracy and would go unnoticed: training works, the score is
// worse than it could be, or looks better than it is.
#pragma once

#include "tl/config/input_spec.h"
#include "tl/data/dataset.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tl {

// Images that make a fault together, such as the copies of one; or one image that stands for its
// class.
struct FaultCase {
  std::vector<std::string> paths;  // relative to the root
  std::string detail;              // what is said of this case alone; may be empty
};

struct Fault {
  std::string kind;     // one word for programs, such as "in_two_splits"
  std::string message;  // for people, in one line: what, how many, and what to do
  std::vector<FaultCase> cases;

  std::vector<std::string> examples() const;  // up to three paths
};

// kind             what
// in_two_splits    the same image, byte for byte, in several splits
// in_two_classes   the same image in several classes
// repeated         many further copies of images within their class and split
// similar_classes  classes whose names differ only in case, Unicode form or blanks
// empty_class      a class folder without any file
// absent_class     a class that a split lacks
// few_images       a class with too few images in a split to learn from or to be judged by
// imbalance        a class with many times the training images of another
// no_end_mark      JPEGs that lack their end mark, and are used all the same
// small_images     images far smaller than the network's input
//
// At most one fault a kind, in this order, with all its cases, for a data set with labels. Samples
// of unknown content or size are passed over, and without `input` there are no small images. Takes
// O(n log n).
std::vector<Fault> find_faults(const Dataset& dataset, const std::optional<InputSpec>& input);

// kind,case,path,class,split,detail,message: a row for each image of each case, which are numbered
// from 1 within their kind. RFC 4180 quoting.
void write_faults_csv(const Dataset& dataset, const std::vector<Fault>& faults,
                      const std::filesystem::path& file);
// What was written. Throws Error(data) where the file is no such table.
std::vector<Fault> read_faults_csv(const std::filesystem::path& file);

// [{kind, message, paths: the examples, cases: [{paths, detail}]}]
nlohmann::ordered_json to_json(const std::vector<Fault>& faults);

}  // namespace tl
