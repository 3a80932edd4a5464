#include "model/node.h"

#include "model/api/execute.h"

namespace tl {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Stack;
using torch::jit::Value;

Stack run_node(Node* node, Stack inputs) {
  auto graph = std::make_shared<Graph>();
  // An input for each place: a value may stand in two, and be given twice.
  Node* clone =
      graph->createClone(node, [&](Value* v) { return graph->addInput()->setType(v->type()); });
  graph->insertNode(clone);
  for (Value* output : clone->outputs())
    graph->registerOutput(output);
  return Executable(graph).run(std::move(inputs));
}

std::string describe(const Node* node) {
  std::string text = node->kind().toQualString();
  const std::string path = torch::jit::utils::getNodesModuleHierarchy(*node);
  if (!path.empty()) text += " in " + path;
  if (const auto place = node->sourceRange().file_line_col()) {
    const auto& [file, line, column] = *place;
    text += " (" + file + ":" + std::to_string(line) + ")";
  }
  return text;
}

}  // namespace tl
