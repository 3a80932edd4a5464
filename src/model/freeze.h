// What follows from the choice of what is frozen.
#pragma once

#include "model/network.h"

namespace tl {

// Position of the first layer that is trained. Dropout is on from there; in front of it, as part of
// what is frozen, it is off.
std::size_t training_begins(const Network& network);

// Where the frozen prefix ends: the last cut before training begins.
const Cut& prefix_end(const Network& network);

}  // namespace tl
