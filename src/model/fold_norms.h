// Batch-norms that use fixed statistics, taken into the convolutions in front of them.
#pragma once

#include "model/api/flat_graph.h"

namespace tl {

// norm(conv(x, w)) becomes conv(x, w * s) + t, with s and t computed from the norm's tensors each
// time: gradients reach all of them, and the norm's passes over the activations are saved, forward
// and backward. Norms in training mode stay.
void fold_norms(FlatGraph& flat);

}  // namespace tl
