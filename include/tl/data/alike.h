// Which images of a data set show the same picture: what is learnt from one says nothing new of the
// other.
#pragma once

#include "tl/data/dataset.h"

#include <cstddef>
#include <vector>

namespace tl {

// Copies, and near-copies such as another size, compression or brightness of one picture: images
// whose perceptual hashes (of the lowest frequencies, Zauner 2010) differ in at most 6 of 64 bits,
// and whose pixels, at 64 x 64, correlate by at least 0.98.
// Returns a number for each sample, the same for those that are linked so. Reads the images; throws
// Error(data) on one that can't be read.
std::vector<std::size_t> groups_of_alike(const Dataset& dataset,
                                         const std::vector<std::size_t>& samples,
                                         const CheckOptions& how);

}  // namespace tl
