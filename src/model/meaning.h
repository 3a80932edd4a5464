// What the numbers are that a network gives.
#pragma once

#include "model/lower.h"

namespace tl {

// Probabilities: rows of numbers in [0, 1] that sum to one, whatever computed them. Sigmoids: what
// a sigmoid gave, moved about or kept within bounds at most.
Meaning meaning_of(const FlatGraph& flat, const at::Tensor& output);

// The network from the images to its logits, N x C: those that a softmax or a sigmoid was given
// where they can be found, else what follows from the probabilities. One output becomes two, for no
// and yes.
FlatGraph up_to_logits(const Network& network);

}  // namespace tl
