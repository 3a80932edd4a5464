// Mixed precision: heavy operations in bf16.
#pragma once

#include <torch/csrc/jit/ir/ir.h>

namespace tl {

// Convolutions, matrix products and attention take and give bf16; norms over a layer or a group
// take and give fp32, as in PyTorch's autocast; what else stands between them follows its inputs.
// Weights stay fp32 outside, and gradients come back to them in fp32 (Micikevicius et al. 2018;
// bf16 needs no loss scaling). PyTorch's own autocast leaves out operations that only traced files
// have.
void compute_in_bf16(torch::jit::Graph& graph);

}  // namespace tl
