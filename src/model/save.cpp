#include "model/network.h"
#include "tl/base/error.h"
#include "tl/base/files.h"

#include <ATen/ops/tensor.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>

#include <map>
#include <sstream>

namespace tl {
namespace {

using torch::jit::Graph;
using torch::jit::Module;
using torch::jit::Node;
using torch::jit::Value;

// A tree of modules, one a part of the dotted names.
class ModuleTree {
 public:
  ModuleTree() : unit_(std::make_shared<torch::jit::CompilationUnit>()) {
    modules_.emplace("", Module("tl.Model", unit_, true));
  }

  void add(const NamedTensor& named) {
    const auto [path, leaf] = split(qualified_name(named));
    const at::Tensor tensor = named.tensor.detach().to(at::kCPU).contiguous();
    if (named.parameter) {
      at(path).register_parameter(leaf, tensor.clone().set_requires_grad(!named.fixed), false);
    } else {
      at(path).register_buffer(leaf, tensor.clone());
    }
  }

  // The value of a tensor in a graph whose first input is the root module.
  static Value* read(Graph& graph, const NamedTensor& named) {
    Value* value = graph.inputs()[0];
    std::string rest = qualified_name(named);
    for (std::size_t dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
      value = graph.insertGetAttr(value, rest.substr(0, dot));
      rest = rest.substr(dot + 1);
    }
    return graph.insertGetAttr(value, rest);
  }

  Module& root() { return modules_.at(""); }

 private:
  static std::pair<std::string, std::string> split(const std::string& name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return {"", name};
    return {name.substr(0, dot), name.substr(dot + 1)};
  }

  Module& at(const std::string& path) {
    const auto found = modules_.find(path);
    if (found != modules_.end()) return found->second;
    const auto [parent, leaf] = split(path);
    Module child("tl.Part" + std::to_string(modules_.size()), unit_, true);
    at(parent).register_module(leaf, child);
    return modules_.emplace(path, child).first->second;
  }

  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  std::map<std::string, Module> modules_;
};

Value* normalise(Graph& graph, Value* images, const InputSpec& input) {
  const auto constant = [&](const std::array<float, 3>& values) {
    return graph.insertConstant(at::tensor(at::ArrayRef<float>(values)).view({1, 3, 1, 1}));
  };
  Value* centred = graph.insert(c10::aten::sub, {images, constant(input.mean)});
  return graph.insert(c10::aten::div, {centred, constant(input.std)});
}

// The flat graph as a method's graph: tensors are read from the module, devices are the CPU.
std::shared_ptr<Graph> method_graph(const Model& model, Module& root) {
  const FlatGraph& flat = network_of(model).flat;
  auto graph = std::make_shared<Graph>();
  graph->addInput("self")->setType(root.type());
  std::unordered_map<Value*, Value*> here;
  Value* images = graph->addInput("images");
  here[flat.images()] =
      model.info().normalises ? images : normalise(*graph, images, model.info().input);
  for (std::size_t i = 0; i < flat.tensors.size(); ++i) {
    here[flat.graph->inputs()[i + 1]] = ModuleTree::read(*graph, flat.tensors[i]);
  }
  for (Node* node : flat.graph->nodes()) {
    const auto constant = node->kind() == torch::jit::prim::Constant
                              ? torch::jit::toIValue(node->output())
                              : std::nullopt;
    if (constant && constant->isDevice()) {
      here[node->output()] = graph->insertConstant(at::Device(at::kCPU));
    } else if (constant && constant->isTensor()) {
      here[node->output()] = graph->insertConstant(constant->toTensor().to(at::kCPU));
    } else {
      Node* copy = graph->createClone(node, [&](Value* v) { return here.at(v); });
      graph->insertNode(copy);
      for (std::size_t i = 0; i < copy->outputs().size(); ++i) {
        here[node->outputs()[i]] = copy->outputs()[i];
      }
    }
  }
  graph->registerOutput(here.at(flat.output()));
  return graph;
}

}  // namespace

void Model::save(const std::filesystem::path& file, const std::string& metadata) const {
  ModuleTree tree;
  for (const NamedTensor& named : network_->flat.tensors)
    tree.add(named);
  Module& root = tree.root();
  const auto graph = method_graph(*this, root);
  const auto name = c10::QualifiedName(*root.type()->name(), "forward");
  root.type()->addMethod(root._ivalue()->compilation_unit()->create_function(name, graph));
  std::ostringstream bytes;
  root.save(bytes, {{"tl/model.json", metadata}});
  write_file(file, bytes.str());
}

}  // namespace tl
