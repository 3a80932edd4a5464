// The flat graph while it is being built, and what is known of the values that go into it.
#pragma once

#include "model/lower.h"

#include <ATen/core/ivalue.h>

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tl {

// What a value is for two image batches of different size: what is alike in both is a constant of
// the network, what is not follows the batch.
using Pair = std::array<c10::IValue, 2>;

// What is known of a value of the original graph while its forward is walked.
struct Known {
  Pair value;
  torch::jit::Value* out =
      nullptr;  // what stands for it in the flat graph, once it is needed there
  bool constant = false;
  bool from_images = false;  // depends on pixel values, not only on shapes
  bool from_mode = false;    // a number or truth value that is another one in training mode
  bool is_list = false;      // a list or tuple whose elements are known one by one
  std::vector<std::shared_ptr<Known>> elements;
};
using Ref = std::shared_ptr<Known>;

Ref known_constant(const c10::IValue& value);
bool is_constant(const Ref& known);
bool is_from_images(const Ref& known);
// Tensors: of the same shape.
bool same_in_both(const Pair& value);
// The node's outputs, for both batches.
std::vector<Pair> evaluate_both(torch::jit::Node* node, const std::vector<Ref>& inputs);

// Throws Error(model) that names the operation and its place in the network.
[[noreturn]] void refuse_lowering(const torch::jit::Node* node, const std::string& why);

bool is_in_place(const torch::jit::Node* node);

class FlatBuilder {
 public:
  explicit FlatBuilder(const ExampleImages& images);

  Ref images() const { return images_; }
  // An input of the graph for the tensor; the same one for the same tensor.
  Ref lifted(const NamedTensor& named);
  std::size_t lifted_count() const { return lifted_.size(); }

  // The value that stands for it in the flat graph. A list is made anew each time: it may have
  // grown.
  torch::jit::Value* materialise(const Ref& known);
  std::vector<torch::jit::Value*> materialise(const std::vector<Ref>& known);

  // Makes the elements of a list or tuple known one by one. `node`: whose wish it is.
  void split_into_elements(const Ref& known, const torch::jit::Node* node);

  // The momentum of a norm whose running statistics are means over all batches so far.
  Ref cumulative_momentum(const Ref& batches);

  // Appends a copy of the node, or of its functional twin where it works in place. `results`: what
  // its outputs are.
  torch::jit::Node* append(torch::jit::Node* node, const std::vector<torch::jit::Value*>& arguments,
                           const std::vector<Pair>& results);

  // With `result` as its output, without what does not lead there; and what was seen of its values.
  std::pair<FlatGraph, Recording> finish(const Ref& result);

 private:
  void record(const torch::jit::Value* out, const Pair& seen);
  torch::jit::Value* materialise_elements(const Ref& known);
  torch::jit::Node* functional_twin(torch::jit::Node* node,
                                    const std::vector<torch::jit::Value*>& arguments);
  torch::jit::Node* twin_of_copy(const std::vector<torch::jit::Value*>& arguments);

  FlatGraph flat_;
  Recording recording_;
  Ref images_;
  std::unordered_map<const void*, Ref> lifted_;
};

}  // namespace tl
