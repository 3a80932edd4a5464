#include "model/recording.h"

// clang-format off: this one has to come before catch.h
#include "lowered.h"
// clang-format on

#include "catch.h"

using namespace tl;
using Sizes = std::vector<std::int64_t>;

TEST_CASE("of a tensor its type and shape are recorded, of whole numbers their values") {
  torch::jit::Graph graph;
  const auto* tensor = graph.addInput();
  const auto* number = graph.addInput();
  const auto* list = graph.addInput();
  const auto* text = graph.addInput();
  Recording recording;
  record(recording, 1, tensor, torch::zeros({2, 5}, torch::kLong));
  record(recording, 1, number, 7);
  record(recording, 1, list, Sizes{3, 4});
  record(recording, 1, text, std::string("mean"));
  CHECK(recording.types.at(tensor) == at::kLong);
  CHECK(recording.sizes[1].at(tensor) == Sizes{2, 5});
  CHECK(recording.numbers[1].at(number) == Sizes{7});
  CHECK(recording.numbers[1].at(list) == Sizes{3, 4});
  CHECK(recording.numbers[1].size() == 2);
  CHECK(recording.sizes[0].empty());
}

TEST_CASE("a copy takes over what is known of its original, and nothing where nothing is") {
  torch::jit::Graph graph;
  const auto* original = graph.addInput();
  const auto* copy = graph.addInput();
  const auto* unknown = graph.addInput();
  Recording from;
  record(from, 0, original, torch::zeros({2, 3}));
  record(from, 1, original, torch::zeros({3, 3}));
  Recording to;
  carry_over(from, original, copy, to);
  carry_over(from, unknown, unknown, to);
  CHECK(to.types.at(copy) == at::kFloat);
  CHECK(to.sizes[0].at(copy) == Sizes{2, 3});
  CHECK(to.sizes[1].at(copy) == Sizes{3, 3});
  CHECK(to.sizes[0].size() == 1);
}

TEST_CASE("what is recorded behind a cut is what the whole network showed there") {
  const auto net = small_network::lowered();
  const Recording& whole = net.analysis.recording;
  torch::jit::Value* from = net.analysis.layers[1].input;
  Recording given;
  carry_over(whole, from, from, given);
  record_behind(net.flat, {from}, given);
  bool behind = false;
  int compared = 0;
  for (const torch::jit::Node* node : net.flat.graph->nodes()) {
    for (const torch::jit::Value* value : node->outputs()) {
      for (const int which : {0, 1}) {
        const auto known = whole.sizes[which].find(value);
        if (!behind || known == whole.sizes[which].end()) continue;
        INFO(value->debugName());
        CHECK(given.sizes[which].at(value) == known->second);
        CHECK(given.types.at(value) == whole.types.at(value));
        ++compared;
      }
    }
    behind |= node == from->node();
  }
  CHECK(compared > 10);
}
