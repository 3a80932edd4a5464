#include "model/api/execute.h"

namespace tl {

using torch::jit::Stack;

Executable::Executable(const std::shared_ptr<torch::jit::Graph>& graph) : code_(graph, "forward") {}

Stack Executable::run(Stack inputs) const {
  torch::jit::InterpreterState(code_).run(inputs);
  return inputs;
}

Piece::Piece(FlatGraph flat) : flat_(std::move(flat)), executable_(flat_.graph) {}

at::Tensor Piece::run(const at::Tensor& x) const {
  Stack stack;
  stack.reserve(flat_.tensors.size() + 1);
  stack.emplace_back(x);
  for (const NamedTensor& tensor : flat_.tensors)
    stack.emplace_back(tensor.tensor);
  return executable_.run(std::move(stack)).at(0).toTensor();
}

}  // namespace tl
