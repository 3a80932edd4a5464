#include "engine/engine.h"
#include "engine/frozen_graph.h"
#include "model/evaluate.h"
#include "model/piece.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>

namespace tl {
namespace {

// Floating-point constants in the engine's type, convolution weights in channels-last memory.
void convert_constants(torch::jit::Graph& graph, at::ScalarType type) {
  for (torch::jit::Node* node : graph.nodes()) {
    if (node->kind() != torch::jit::prim::Constant) continue;
    const auto value = torch::jit::toIValue(node->output());
    if (!value || !value->isTensor() || !value->toTensor().is_floating_point()) continue;
    at::Tensor tensor = value->toTensor().to(type);
    if (tensor.dim() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
    const torch::jit::WithInsertPoint here(node);
    node->output()->replaceAllUsesWith(graph.insertConstant(tensor));
  }
}

std::shared_ptr<torch::jit::Graph> optimised(const FlatGraph& slice, at::ScalarType type) {
  auto graph = frozen_graph(slice);
  torch::jit::OptimizeFrozenGraph(graph);
  convert_constants(*graph, type);
  return graph;
}

class LibTorchEngine : public Engine {
 public:
  explicit LibTorchEngine(const EngineInput& input)
      : info_(input.info),
        device_(input.device),
        type_(scalar_type(input.precision)),
        executable_(optimised(input.slice, type_)) {}

  at::Tensor run(const at::Tensor& images) override {
    const at::NoGradGuard no_grad;
    const at::Tensor x =
        to_input(images, info_, device_)
            .to(type_, /*non_blocking=*/false, /*copy=*/false, at::MemoryFormat::ChannelsLast);
    return executable_.run({x}).at(0).toTensor().contiguous();
  }

  std::string name() const override { return "libtorch"; }

 private:
  FileInfo info_;
  at::Device device_;
  at::ScalarType type_;
  Executable executable_;
};

}  // namespace

std::unique_ptr<Engine> make_libtorch_engine(const EngineInput& input) {
  return std::make_unique<LibTorchEngine>(input);
}

}  // namespace tl
