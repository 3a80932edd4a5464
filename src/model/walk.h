// The walk over a forward that makes the flat graph.
#pragma once

#include "model/flat_builder.h"
#include "model/lower.h"

#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tl {

// Walks a forward once, as an interpreter would, and notes down what it does.
class ForwardWalk {
 public:
  using IValue = c10::IValue;
  using Block = torch::jit::Block;
  using Graph = torch::jit::Graph;
  using Node = torch::jit::Node;
  using Value = torch::jit::Value;

  // `training`: the forward as it is in training mode, but with norms and dropout in evaluation
  // mode.
  ForwardWalk(const torch::jit::Module& module, const ExampleImages& images,
              const std::set<at::ScalarType>& converted, bool training);

  // `original`: the forward, inlined.
  Lowered run(Graph& original);

  // Whether the forward in training mode is another one.
  bool depends_on_mode() const { return depends_on_mode_; }

  // What each step of the walk, known by the original node and how often it was there before, put
  // into the flat graph.
  using Steps = std::map<std::pair<const Node*, int>, Node*>;
  const Steps& steps() const { return steps_; }

 private:
  [[noreturn]] static void refuse_signature();
  // Forward arguments after the images must have defaults.
  void set_inputs(const Graph& graph);
  // Files whose parameters all need no gradient were only exported so.
  void list_tensors();

  // Each value is forgotten with its last use: activations of a large network fill the memory.
  void find_last_uses(Block* block);
  void note_last_use(const Value* value, const Block* block, Node* last);

  Ref get(const Value* value) const { return env_.at(value); }
  void set(const Value* value, Ref known) { env_[value] = std::move(known); }

  void walk(Block* block);
  void step(Node* node);

  // A weight that was frozen into the file as a constant is a weight all the same.
  Ref constant_node(Node* node);
  // A file may name the device that it was exported on; it is lowered on the CPU.
  Ref on_this_device(const at::Device& device);
  static bool feeds_a_weight(const Value* value);
  void get_attribute(Node* node);
  Ref list_of_tensors(const IValue& list);

  static const IValue& decision(const Node* node, const Ref& known);
  void take_branch(Node* node);
  // Whether it changes something in place that is no counter of the module's.
  static bool writes(const Block* block);
  void unroll(Node* node);

  void construct(Node* node);
  void unpack(Node* node);
  void index(Node* node);
  void concatenate(Node* node);
  void append(Node* node);
  void set_item(Node* node);

  // An ordinary operation: computed, and put into the flat graph unless it is a constant.
  void operation(Node* node);
  static bool is_from_mode(const Ref& known) { return known->from_mode; }
  // Modes of norms and dropout, and the momentum that BatchNorm chooses by it, are ours to set.
  void note_dependence_on_mode(const Node* node, const std::vector<Ref>& inputs);
  bool is_counter(const Ref& known) const;
  // BatchNorm(momentum=None): in evaluation mode the file's momentum is 0, in training mode it
  // follows from a counter.
  void keep_cumulative_momentum(std::vector<Ref>& inputs);
  // A write reaches all views of the tensor, and in the flat graph only the tensor that is named. A
  // constant is another one from then on: its views are put into the graph anew where they are
  // used.
  void check_write(const Node* node, const Ref& changed, bool constant) const;
  static bool is_reached_by(const at::Tensor& tensor, const Ref& changed, const Ref& other);
  static void forget_place(const Ref& known);
  // Whoever held the changed tensor holds the new one from now on.
  static void redirect(const Ref& changed, const Ref& result);
  // Networks with auxiliary outputs return a tuple in which only one is set in eval mode.
  Ref the_one_tensor(const Ref& result);

  const torch::jit::Module& module_;
  FlatBuilder builder_;
  std::unordered_map<const Value*, Ref> env_;
  std::unordered_map<const Node*, std::vector<const Value*>> last_uses_;
  std::unordered_map<const void*, NamedTensor> kept_;  // of the module, by the tensor's address
  const std::set<at::ScalarType>& converted_;
  const bool training_;  // walk the forward as it is in training mode
  bool depends_on_mode_ = false;
  std::unordered_map<const Node*, int> visits_;
  Steps steps_;
  bool as_the_file_is_ = true;
};

}  // namespace tl
