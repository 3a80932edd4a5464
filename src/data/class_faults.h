// Faults of whole classes.
#pragma once

#include "tl/data/faults.h"

#include <vector>

namespace tl {

// Appends, in this order: similar_classes, empty_class, absent_class, few_images, imbalance.
void find_class_faults(const Dataset& dataset, std::vector<Fault>& faults);

}  // namespace tl
