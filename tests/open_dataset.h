// A dataset as a run gets it.
#pragma once

#include "tl/data/dataset.h"

inline tl::Dataset open_dataset(const tl::DataOptions& options, std::uint64_t seed,
                                const tl::CheckOptions& how) {
  tl::Dataset dataset = tl::list_dataset(options);
  tl::check_dataset(dataset, options, seed, how);
  return dataset;
}
