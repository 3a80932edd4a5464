#include "model/slice.h"

#include "tl/base/error.h"

#include <torch/csrc/jit/ir/constants.h>

#include <set>

namespace tl {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

class Slicer {
 public:
  Slicer(const FlatGraph& flat, const Recording& recording, Value* from, const NodeCopied& copied)
      : flat_(flat), recording_(recording), from_(from), copied_(copied) {
    piece_.graph = std::make_shared<Graph>();
    here_[from] = piece_.graph->addInput("x");
    here_[from]->setType(from->type());
    mark_behind();
  }

  FlatGraph run(Value* to) {
    piece_.graph->registerOutput(need(to));
    return std::move(piece_);
  }

 private:
  // Values that depend on `from`.
  void mark_behind() {
    behind_.insert(from_);
    for (Node* node : flat_.graph->nodes()) {
      for (Value* input : node->inputs()) {
        if (behind_.count(input) == 0) continue;
        behind_.insert(node->outputs().begin(), node->outputs().end());
        break;
      }
    }
  }

  // Recursion as deep as the network would risk the stack: nodes are visited from a work list.
  Value* need(Value* wanted) {
    std::vector<Value*> open = {wanted};
    while (!open.empty()) {
      Value* value = open.back();
      if (here_.count(value) > 0) {
        open.pop_back();
        continue;
      }
      const std::size_t before = open.size();
      if (!is_substituted(value)) {
        for (Value* input : value->node()->inputs()) {
          if (here_.count(input) == 0) open.push_back(input);
        }
      }
      if (open.size() > before) continue;
      bring(value);
      open.pop_back();
    }
    return here_.at(wanted);
  }

  // Numbers that follow from a tensor in front of the cut.
  bool is_substituted(Value* value) const {
    const auto& numbers = recording_.numbers[0];
    if (numbers.count(value) == 0 || value->node()->kind() == torch::jit::prim::Constant) {
      return false;
    }
    const auto& inputs = value->node()->inputs();
    return !inputs.empty() && behind_.count(inputs[0]) == 0 &&
           inputs[0]->type()->isSubtypeOf(*c10::TensorType::get());
  }

  void bring(Value* value) {
    if (is_substituted(value)) {
      here_[value] = substitute(value);
    } else if (value->node()->kind() == torch::jit::prim::Param) {
      bring_tensor(value);
    } else {
      Node* clone = piece_.graph->createClone(value->node(), [&](Value* v) { return here_.at(v); });
      piece_.graph->insertNode(clone);
      if (copied_) copied_(value->node(), clone);
      for (std::size_t i = 0; i < clone->outputs().size(); ++i) {
        here_[value->node()->outputs()[i]] = clone->outputs()[i];
      }
    }
  }

  void bring_tensor(Value* value) {
    if (value == flat_.images()) {
      throw Error(ExitCode::defect, "a slice needs the images behind its cut");
    }
    piece_.tensors.push_back(flat_.tensors.at(value->offset() - 1));
    here_[value] = piece_.graph->addInput()->setType(value->type());
  }

  // What the number was for two batch sizes tells whether it is a constant or follows the batch.
  Value* substitute(Value* value) {
    const auto& first = recording_.numbers[0].at(value);
    const auto& second = recording_.numbers[1].at(value);
    std::vector<Value*> numbers;
    for (std::size_t i = 0; i < first.size(); ++i)
      numbers.push_back(number(first[i], second[i]));
    if (value->type()->kind() == c10::TypeKind::IntType) return numbers.at(0);
    return piece_.graph->insertNode(piece_.graph->createList(c10::IntType::get(), numbers))
        ->output();
  }

  Value* number(std::int64_t first, std::int64_t second) {
    Graph& graph = *piece_.graph;
    if (first == second) return graph.insertConstant(first);
    const std::int64_t per_image = second - first;
    if (first != per_image * Recording::batches[0]) {
      throw Error(ExitCode::model, "a size in this network is no multiple of the batch size", "",
                  "freeze a number of layers that ends at another cut (see tl-inspect)");
    }
    Value* batch = graph.insert(c10::aten::size, {here_.at(from_), 0});
    return per_image == 1 ? batch : graph.insert(c10::aten::mul, {batch, per_image});
  }

  const FlatGraph& flat_;
  const Recording& recording_;
  Value* from_;
  const NodeCopied& copied_;
  FlatGraph piece_;
  std::set<const Value*> behind_;
  std::unordered_map<Value*, Value*> here_;
};

}  // namespace

FlatGraph slice(const FlatGraph& flat, const Recording& recording, Value* from, Value* to,
                const NodeCopied& copied) {
  return Slicer(flat, recording, from, copied).run(to);
}

}  // namespace tl
