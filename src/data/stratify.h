// The split of a folder that brings none, or not all of them.
#pragma once

#include "tl/data/dataset.h"

#include <cstdint>

namespace tl {

// round(fraction * n), but at least 1 where neither is 0.
std::int64_t share_of(double fraction, std::int64_t n);

// Draws val and test from the training samples: of each class its share_of(), as far as one image
// is left for train. Which ones follows from seed, path and content alone. Copies of one image stay
// together, also where they lie in several classes; those that a share has no room for are trained
// on.
void stratify(Dataset& dataset, double val, double test, std::uint64_t seed);

}  // namespace tl
