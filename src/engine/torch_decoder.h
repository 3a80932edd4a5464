// The lowered graph as OpenVINO's PyTorch frontend reads it.
#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <openvino/core/model.hpp>
#include <vector>

namespace tl {

// `graph` takes one float tensor of `input_shape`; its constants share the weights' memory, which
// must outlive the model. Throws std::exception on an operation that the frontend does not know.
std::shared_ptr<ov::Model> to_openvino(const std::shared_ptr<torch::jit::Graph>& graph,
                                       const std::vector<std::size_t>& input_shape);

}  // namespace tl
