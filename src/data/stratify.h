// The split of a folder that brings none.
#pragma once

#include "tl/data/dataset.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tl {

// Sets the split of every sample: of each class, round(fraction * n) images, but at least one where
// the fraction is not 0, go to val and to test, the others to train. Which ones follows from seed
// and path alone. Throws Error(data) where that leaves a class without images for training.
void stratify(std::vector<Sample>& samples, const std::vector<std::string>& classes, double val,
              double test, std::uint64_t seed);

}  // namespace tl
