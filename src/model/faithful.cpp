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

constexpr double slight = 1e-3;

// Up to a part, be it rounding, of the largest values: others may be sums of these.
bool agree(const at::Tensor& a, const at::Tensor& b, double part = slight) {
  if (a.sizes() != b.sizes()) return false;
  const at::Tensor expected = b.to(at::kFloat);
  const at::Tensor finite = expected.masked_select(expected.isfinite());
  const double largest = finite.numel() == 0 ? 0 : finite.abs().max().item<double>();
  return at::allclose(a.to(at::kFloat), expected, part, part / 10 * std::max(1.0, largest),
                      /*equal_nan=*/true);
}

// Of a batch; or what stands for it in an output.
at::Tensor row_of(const at::Tensor& images, std::int64_t row) {
  return images.narrow(0, row, 1).clone();
}

// The batch with one image as it was, and others beside it: larger ones, so that no mean, spread or
// largest value over the batch stays what it was.
at::Tensor among_others(const at::Tensor& images, std::int64_t row) {
  at::Tensor changed = images.mul(3).add(1);
  changed.select(0, row).copy_(images.select(0, row));
  return changed;
}

// Runs a flat graph node after node on two batches that begin, or end, with the same image.
class Comparison {
 public:
  Comparison(const Lowered& lowered, bool last, double part)
      : flat_(lowered.flat), recording_(lowered.recording), last_(last), part_(part) {}

  // The first operation whose results for the image differ; none if there is none.
  Node* first_that_differs(const at::Tensor& images, const at::Tensor& other) {
    set(flat_.images(), images, other);
    for (std::size_t i = 0; i < flat_.tensors.size(); ++i) {
      set(flat_.graph->inputs()[i + 1], flat_.tensors[i].tensor, flat_.tensors[i].tensor);
    }
    for (Node* node : flat_.graph->nodes()) {
      if (!step(node)) return node;
    }
    return nullptr;
  }

 private:
  void set(const Value* value, const IValue& content, const IValue& other) {
    values_[0][value] = content;
    values_[1][value] = other;
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
      const Value* value = node->outputs()[i];
      set(value, results[0][i], results[1][i]);
      if (results[0][i].isTensor() && results[0][i].toTensor().defined()) {
        alike &= agree(part_of_image(value, results[0][i].toTensor()),
                       part_of_image(value, results[1][i].toTensor()), part_);
      }
    }
    return alike;
  }

  // It stands first or last in the dimension that follows the batch. All, where none does.
  at::Tensor part_of_image(const Value* value, const at::Tensor& tensor) const {
    const auto sizes = recording_.sizes[0].find(value);
    const auto more = recording_.sizes[1].find(value);
    if (sizes == recording_.sizes[0].end() || more == recording_.sizes[1].end()) return tensor;
    for (std::int64_t d = 0; d < tensor.dim(); ++d) {
      const auto at = static_cast<std::size_t>(d);
      const std::int64_t n = more->second.at(at) - sizes->second.at(at);
      if (n > 0 && n <= tensor.size(d)) return tensor.narrow(d, last_ ? tensor.size(d) - n : 0, n);
    }
    return tensor;
  }

  const FlatGraph& flat_;
  const Recording& recording_;
  const bool last_;
  const double part_;
  std::unordered_map<const Value*, IValue> values_[2];
};

// With other images beside it, an image must give the same nearly to the last bit: the same kernels
// compute it. Batches of one size tell more than an image alone, for which rounding differs.
void check_that_rows_are_apart(const Lowered& lowered, const Piece& piece,
                               const at::Tensor& images) {
  constexpr double nothing = 1e-5;
  const char* what = "what it gives for an image depends on the images beside it";
  for (const std::int64_t row : {std::int64_t{0}, images.size(0) - 1}) {
    const at::Tensor others = among_others(images, row);
    if (agree(row_of(piece.run(others), row), row_of(lowered.outputs[0], row), nothing)) continue;
    Comparison comparison(lowered, row > 0, nothing);
    if (const Node* node = comparison.first_that_differs(images, others)) {
      refuse_lowering(node, what);
    }
    throw Error(ExitCode::model, str("this network can't be lowered: ", what), "",
                "export a network that treats each image alone");
  }
}

// By how much rounding may change what a network gives for an image: some enlarge it, as norms of
// what cancels out do. A nudge of the image tells.
double unsteadiness(const Piece& piece, const at::Tensor& image) {
  const at::Tensor change = piece.run(image.mul(1 + 1e-6)).sub(piece.run(image));
  return 10 * change.abs().max().item<double>();
}

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
  check_that_rows_are_apart(lowered, piece, images[0]);
  const std::int64_t last = images[1].size(0) - 1;
  const at::Tensor image = row_of(images[1], last);
  try {
    const at::Tensor alone = lowered.as_the_file_is ? own_forward(module, image) : piece.run(image);
    const at::Tensor among = row_of(output, last);
    if (agree(alone, among)) return;
    const double off = alone.sub(among).abs().max().item<double>();
    if (off <= unsteadiness(piece, image)) return;
  } catch (const std::exception&) {  // the comparison finds the place
  }
  Comparison comparison(lowered, /*last=*/true, slight);
  if (const Node* node = comparison.first_that_differs(images[1], image)) {
    refuse_lowering(node, "what it gives for an image depends on how many are beside it");
  }
  throw Error(
      ExitCode::model,
      "this network can't be lowered: for one image alone, its flat graph computes something "
      "else than the file",
      "", "export it by tracing, in eval mode");
}

}  // namespace tl
