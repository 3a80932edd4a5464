#include "engine/engine.h"
#include "engine/frozen_graph.h"
#include "model/api/execute.h"
#include "model/api/input.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>

#include <functional>

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

// One normalised batch to the slice's output.
using Compute = std::function<at::Tensor(const at::Tensor&)>;

class LibTorchEngine : public Engine {
 public:
  LibTorchEngine(std::string name, const EngineInput& input, Compute compute)
      : name_(std::move(name)),
        info_(input.info),
        device_(input.device),
        type_(scalar_type(input.precision)),
        images_per_call_(input.images_per_call),
        compute_(std::move(compute)) {}

  at::Tensor run(const at::Tensor& images) override {
    const at::NoGradGuard no_grad;
    if (images_per_call_ == 0) return run_call(images);
    while (true) {
      try {
        return run_calls(images);
      } catch (const std::exception& error) {  // the interpreter keeps no more than the text
        if (!device_.is_cuda() || images_per_call_ == 1 || !is_out_of_memory(error)) throw;
      }
      images_per_call_ /= 2;
      log::info(str("the device has too little memory for more than ",
                    count(images_per_call_, "image"), " at once"));
    }
  }

  std::string name() const override { return name_; }

 private:
  at::Tensor run_calls(const at::Tensor& images) {
    std::vector<at::Tensor> features;
    for (const at::Tensor& part : images.split(images_per_call_))
      features.push_back(run_call(filled_up(part)).narrow(0, 0, part.size(0)));
    return at::cat(features);
  }

  at::Tensor run_call(const at::Tensor& images) {
    const at::Tensor x =
        to_input(images, info_, device_)
            .to(type_, /*non_blocking=*/false, /*copy=*/false, at::MemoryFormat::ChannelsLast);
    return compute_(x).contiguous();
  }

  at::Tensor filled_up(const at::Tensor& images) const {
    auto missing = images.sizes().vec();
    missing[0] = images_per_call_ - images.size(0);
    return missing[0] == 0 ? images : at::cat({images, at::zeros(missing, images.options())});
  }

  std::string name_;
  FileInfo info_;
  at::Device device_;
  at::ScalarType type_;
  std::int64_t images_per_call_;
  Compute compute_;
};

}  // namespace

std::unique_ptr<Engine> make_libtorch_engine(const EngineInput& input) {
  // In bf16 these fail for some numbers of images, and not for others.
  if (input.precision == Precision::bf16 && has_recurrent_layer(input.slice)) {
    throw Error(ExitCode::model, "recurrent layers are not computed in bf16");
  }
  const auto type = scalar_type(input.precision);
  const auto executable = std::make_shared<Executable>(optimised(input.slice, type));
  return std::make_unique<LibTorchEngine>("libtorch", input, [executable](const at::Tensor& x) {
    return executable->run({x}).at(0).toTensor();
  });
}

std::unique_ptr<Engine> make_plain_engine(const EngineInput& input) {
  const auto piece = std::make_shared<Piece>(input.slice);
  return std::make_unique<LibTorchEngine>("plain", input,
                                          [piece](const at::Tensor& x) { return piece->run(x); });
}

}  // namespace tl
