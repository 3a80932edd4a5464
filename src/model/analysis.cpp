#include "model/analysis.h"

#include "model/kinds.h"
#include "tl/base/text.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/rand.h>

#include <algorithm>
#include <set>

namespace tl {
namespace {

using torch::jit::Node;
using torch::jit::Value;

class Analyser {
 public:
  Analyser(const FlatGraph& flat, Recording recording) : flat_(flat) {
    result_.recording = std::move(recording);
  }

  Analysis run() {
    follow_dependence();
    find_layers();
    find_cuts();
    for (PlacedLayer& layer : result_.layers)
      finish(layer);
    return std::move(result_);
  }

 private:
  using TensorSet = std::set<std::size_t>;  // indices into FlatGraph::tensors

  // Which values depend on the images, and which tensors the others are made of.
  void follow_dependence() {
    from_images_.insert(flat_.images());
    for (std::size_t i = 0; i < flat_.tensors.size(); ++i) {
      made_of_[flat_.graph->inputs()[i + 1]] = {i};
    }
    for (Node* node : flat_.graph->nodes()) {
      const bool depends =
          !gives_form_only(node) && std::any_of(node->inputs().begin(), node->inputs().end(),
                                                [&](Value* v) { return depends_(v); });
      TensorSet tensors;
      for (Value* input : node->inputs()) {
        const auto it = made_of_.find(input);
        if (it != made_of_.end()) tensors.insert(it->second.begin(), it->second.end());
      }
      if (depends) {
        result_.position[node] = result_.nodes.size();
        result_.nodes.push_back(node);
        from_images_.insert(node->outputs().begin(), node->outputs().end());
      }
      if (!depends || is_container(node)) {
        for (Value* output : node->outputs())
          made_of_[output] = tensors;
      }
      consumed_[node] = std::move(tensors);
    }
  }

  // A slice can recompute a number that follows from a shape, but not a tensor.
  static bool gives_form_only(const Node* node) {
    return looks_at_form_only(node) && !is_tensor(node->output());
  }

  bool depends_(const Value* value) const { return from_images_.count(value) > 0; }

  Value* data_input(Node* node) const {
    for (Value* input : node->inputs()) {
      if (depends_(input)) return input;
    }
    return nullptr;
  }

  // Parameterised: it consumes a parameter, or statistics that training would move.
  bool is_parameterised(const Node* node) const {
    if (is_container(node) || !is_tensor(node->outputs()[0])) return false;
    const TensorSet& tensors = consumed_.at(node);
    return std::any_of(tensors.begin(), tensors.end(),
                       [&](std::size_t i) { return flat_.tensors[i].parameter; }) ||
           (keeps_statistics(node) && !tensors.empty());
  }

  void find_layers() {
    for (std::size_t position = 0; position < result_.nodes.size(); ++position) {
      Node* node = result_.nodes[position];
      if (!is_parameterised(node)) continue;
      if (joins_last_layer(node)) {
        extend_last_layer(node, position);
      } else {
        PlacedLayer layer{{}, position, position, data_input(node), node->outputs()[0], {}};
        layer.layer.kind = kind_text(node);
        result_.layers.push_back(std::move(layer));
        add_tensors(result_.layers.back(), node);
      }
    }
  }

  bool joins_last_layer(Node* node) const {
    if (result_.layers.empty() || !is_norm_or_affine(node)) return false;
    const PlacedLayer& last = result_.layers.back();
    const Node* head = result_.nodes[last.first];
    if (!is_convolution(head) && !is_linear(head)) return false;
    Value* value = data_input(node);
    while (value != last.output && is_view(value->node()) && value->uses().size() == 1) {
      value = data_input(value->node());
      if (value == nullptr || result_.position.count(value->node()) == 0) return false;
    }
    return value == last.output && value->uses().size() == 1;
  }

  void extend_last_layer(Node* node, std::size_t position) {
    PlacedLayer& last = result_.layers.back();
    last.last = position;
    last.output = node->output();
    const std::string kind = kind_text(node);
    if (kind != "add" && kind != "mul") last.layer.kind += " + " + kind;
    add_tensors(last, node);
  }

  void add_tensors(PlacedLayer& layer, const Node* node) const {
    for (const std::size_t i : consumed_.at(node)) {
      if (std::find(layer.tensors.begin(), layer.tensors.end(), i) == layer.tensors.end()) {
        layer.tensors.push_back(i);
      }
    }
  }

  std::string kind_text(const Node* node) const {
    if (is_linear(node)) return "linear";
    if (!is_convolution(node)) return node->kind().toUnqualString();
    const auto& weight = result_.recording.sizes[0].at(node->input(1));
    std::string text = "conv";
    for (std::size_t i = 2; i < weight.size(); ++i)
      text += str(i == 2 ? " " : "x", weight[i]);
    const auto& input = result_.recording.sizes[0].at(node->input(0));
    return weight[1] != input[1] ? "grouped " + text : text;
  }

  // --- cuts ---

  void find_cuts() {
    std::unordered_map<const Value*, std::size_t> last_use;
    const std::size_t end = result_.nodes.size();
    for (std::size_t position = 0; position < end; ++position) {
      for (const Value* input : result_.nodes[position]->inputs())
        last_use[input] = position;
    }
    last_use[flat_.output()] = end;
    std::set<Value*> alive = {flat_.images()};
    consider_cut(alive, 0);
    for (std::size_t position = 0; position < end; ++position) {
      Node* node = result_.nodes[position];
      for (Value* output : node->outputs())
        alive.insert(output);
      for (auto it = alive.begin(); it != alive.end();) {
        const auto use = last_use.find(*it);
        it = use == last_use.end() || use->second <= position ? alive.erase(it) : std::next(it);
      }
      consider_cut(alive, position + 1);
    }
  }

  void consider_cut(const std::set<Value*>& alive, std::size_t position) {
    if (alive.size() != 1) return;
    Value* value = *alive.begin();
    const auto& sizes = result_.recording.sizes;
    const auto first = sizes[0].find(value);
    if (first == sizes[0].end() || first->second.size() < 2) return;
    const auto& second = sizes[1].at(value);
    const bool batched = first->second[0] == Recording::batches[0] &&
                         second[0] == Recording::batches[1] &&
                         std::equal(first->second.begin() + 1, first->second.end(),
                                    second.begin() + 1, second.end());
    if (batched) result_.cuts.push_back({value, position});
  }

  // --- what a reader of the table sees ---

  void finish(PlacedLayer& placed) {
    Layer& layer = placed.layer;
    const auto& sizes = result_.recording.sizes[0].at(placed.output);
    layer.output.assign(sizes.begin() + 1, sizes.end());
    for (const std::size_t i : placed.tensors) {
      const NamedTensor& tensor = flat_.tensors[i];
      layer.tensors.push_back(tensor.name);
      if (tensor.parameter && counted_.insert(i).second) layer.parameters += tensor.tensor.numel();
    }
    const std::string& name = layer.tensors.front();
    layer.name = name.substr(0, name.rfind('.'));
    const std::size_t next = next_layer_position(placed);
    layer.cut_after = std::any_of(result_.cuts.begin(), result_.cuts.end(), [&](const Cut& cut) {
      return cut.position > placed.last && cut.position <= next;
    });
  }

  std::size_t next_layer_position(const PlacedLayer& placed) const {
    for (const PlacedLayer& other : result_.layers) {
      if (other.first > placed.first) return other.first;
    }
    return result_.nodes.size();
  }

  const FlatGraph& flat_;
  Analysis result_;
  std::set<const Value*> from_images_;
  std::unordered_map<const Value*, TensorSet> made_of_;
  std::unordered_map<const Node*, TensorSet> consumed_;
  TensorSet counted_;
};

}  // namespace

ExampleImages example_images(const InputSpec& input) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(17);
  const auto draw = [&](std::int64_t batch) {
    return at::rand({batch, 3, input.height, input.width}, generator).sub_(0.5).mul_(4);
  };
  return {draw(Recording::batches[0]), draw(Recording::batches[1])};
}

Analysis analyse(const FlatGraph& flat, Recording recording) {
  return Analyser(flat, std::move(recording)).run();
}

}  // namespace tl
