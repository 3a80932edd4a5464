#include "model/faithful.h"

#include "model/api/execute.h"
#include "model/explain.h"
#include "model/modes.h"
#include "model/node.h"
#include "tl/base/error.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <torch/csrc/jit/passes/canonicalize_graph_fuser_ops.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>

namespace tl {
namespace {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Value;

// Up to rounding, which is that of the largest values: others may be sums of these.
bool agree(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return false;
  const at::Tensor expected = b.to(at::kFloat);
  const at::Tensor finite = expected.masked_select(expected.isfinite());
  const double largest = finite.numel() == 0 ? 0 : finite.abs().max().item<double>();
  return at::allclose(a.to(at::kFloat), expected, 1e-3, 1e-4 * std::max(1.0, largest),
                      /*equal_nan=*/true);
}

at::Tensor last_image(const at::Tensor& images) {
  return images.narrow(0, images.size(0) - 1, 1).clone();
}

// Runs a flat graph node after node on a batch and on its last image alone.
class Comparison {
 public:
  explicit Comparison(const FlatGraph& flat) : flat_(flat) {}

  // The first operation whose result for the image is another among others; none if there is none.
  Node* first_that_mixes(const at::Tensor& images) {
    set(flat_.images(), images, last_image(images));
    for (std::size_t i = 0; i < flat_.tensors.size(); ++i) {
      set(flat_.graph->inputs()[i + 1], flat_.tensors[i].tensor, flat_.tensors[i].tensor);
    }
    for (Node* node : flat_.graph->nodes()) {
      if (!step(node)) return node;
    }
    return nullptr;
  }

 private:
  void set(const Value* value, const IValue& among, const IValue& alone) {
    values_[0][value] = among;
    values_[1][value] = alone;
  }

  bool step(Node* node) {
    std::array<torch::jit::Stack, 2> results;
    for (const std::size_t which : {0, 1}) {
      torch::jit::Stack inputs;
      for (const Value* input : node->inputs())
        inputs.push_back(values_[which].at(input));
      try {
        results[which] = run_node(node, std::move(inputs));
      } catch (const std::exception& error) {
        refuse_lowering(node, "with a single image it fails: " + cause_of(error));
      }
    }
    bool alike = true;
    for (std::size_t i = 0; i < node->outputs().size(); ++i) {
      set(node->outputs()[i], results[0][i], results[1][i]);
      if (results[0][i].isTensor() && results[0][i].toTensor().defined()) {
        alike &= is_row(results[1][i].toTensor(), results[0][i].toTensor());
      }
    }
    return alike;
  }

  // The image's part stands last in the dimension that follows the batch.
  static bool is_row(const at::Tensor& alone, const at::Tensor& among) {
    if (alone.dim() != among.dim()) return false;
    for (std::int64_t d = 0; d < alone.dim(); ++d) {
      const std::int64_t n = alone.size(d);
      if (among.size(d) == n) continue;
      return among.size(d) > n && agree(alone, among.narrow(d, among.size(d) - n, n));
    }
    return agree(alone, among);
  }

  const FlatGraph& flat_;
  std::unordered_map<const Value*, IValue> values_[2];
};

void check_for_chance(const FlatGraph& flat) {
  for (const Node* node : flat.graph->nodes()) {
    if (node->isNondeterministic() && !is_random_in_training_alone(node)) {
      refuse_lowering(node, "it draws random numbers");
    }
  }
}

// By the interpreter alone: what LibTorch's executors prepare pays for itself after many runs.
at::Tensor own_forward(const torch::jit::Module& module, const at::Tensor& image) {
  const torch::jit::Method forward = module.get_method("forward");
  torch::jit::Stack stack = {module._ivalue(), image};
  const auto& arguments = forward.function().getSchema().arguments();
  for (std::size_t i = stack.size(); i < arguments.size(); ++i)
    stack.push_back(*arguments[i].default_value());
  const auto graph = forward.graph()->copy();
  torch::jit::Inline(*graph);
  torch::jit::CanonicalizeOps(graph);  // as LibTorch does it in front of its executors
  const IValue output = Executable(graph).run(std::move(stack)).at(0);
  if (output.isTensor()) return output.toTensor();
  const auto elements =
      output.isTuple() ? output.toTupleRef().elements().vec() : output.toListRef().vec();
  const auto is_tensor = [](const IValue& element) { return element.isTensor(); };
  return std::find_if(elements.begin(), elements.end(), is_tensor)->toTensor();
}

}  // namespace

void check_faithful(const Lowered& lowered, const torch::jit::Module& module,
                    const ExampleImages& images) {
  const at::NoGradGuard no_grad;
  check_for_chance(lowered.flat);
  const Piece piece(lowered.flat);
  const at::Tensor output = piece.run(images[1]);
  if (!agree(output, lowered.outputs[1])) {
    throw Error(ExitCode::model,
                "this network can't be lowered: its flat graph computes something else", "",
                "export it by tracing, in eval mode");
  }
  if (output.dim() == 0 || output.size(0) != images[1].size(0)) return;  // it has no rows
  const at::Tensor image = last_image(images[1]);
  try {
    const at::Tensor alone = lowered.as_the_file_is ? own_forward(module, image) : piece.run(image);
    if (agree(alone, last_image(output))) return;
  } catch (const std::exception&) {  // the comparison finds the place
  }
  if (const Node* node = Comparison(lowered.flat).first_that_mixes(images[1])) {
    refuse_lowering(node, "what it gives for an image depends on the images beside it");
  }
  throw Error(
      ExitCode::model,
      "this network can't be lowered: for one image alone, its flat graph computes something "
      "else than the file",
      "", "export it by tracing, in eval mode");
}

}  // namespace tl
