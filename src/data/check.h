// Which samples of a dataset are images.
#pragma once

#include "tl/data/dataset.h"

namespace tl {

// Leaves the samples that are images, with their content and size; the others go to `skipped`, or
// are fatal. Throws Error(data) on a file that can't be read, and where no image is left.
void prove_images(Dataset& dataset, BadImage on_bad_image, const CheckOptions& how);

}  // namespace tl
