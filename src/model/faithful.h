// Whether a flat graph computes what its file computes, and for each image alone.
#pragma once

#include "model/lower.h"

namespace tl {

// The flat graph must give what the operations gave one by one for the second batch, for an image
// of the first batch the same whatever stands beside it, and for the last image of the second what
// the file itself gives for that image alone. Where the file's own forward is in training mode
// somewhere, the flat graph itself runs on the image alone. Throws Error(model) with the operation
// where it is known.
void check_faithful(const Lowered& lowered, const torch::jit::Module& module,
                    const ExampleImages& images);

}  // namespace tl
