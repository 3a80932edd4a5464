// Depthwise convolutions whose gradients are computed at the speed of memory on a CPU: oneDNN,
// which PyTorch uses, is fast forward, but takes 10 to 40 times as long backward for most shapes.
#pragma once

#include "model/api/flat_graph.h"

namespace tl {

// Replaces the depthwise convolutions of a flat graph whose tensors are on a CPU.
void speed_up_depthwise(FlatGraph& flat);

}  // namespace tl
