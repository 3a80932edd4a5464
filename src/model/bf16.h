// Mixed precision: heavy operations in bf16.
#pragma once

#include "model/network.h"

#include <string>
#include <vector>

namespace tl {

// Convolutions, matrix products and attention take and give bf16; norms over a layer or a group
// take and give fp32, as in PyTorch's autocast; what else stands between them follows its inputs,
// so that a residual stream that begins in fp32 stays there. Weights stay fp32 outside, and
// gradients come back to them in fp32 (Micikevicius et al. 2018; bf16 needs no loss scaling).
// PyTorch's own autocast leaves out operations that only traced files have. The graph is tried on
// `features`: an operation that refuses what it gets is given fp32, and where nothing helps, or the
// gradients fail, all stays in fp32. Returns what that is, for a notice.
std::vector<std::string> compute_in_bf16(FlatGraph& flat, const at::Tensor& features,
                                         bool with_gradients);

}  // namespace tl
