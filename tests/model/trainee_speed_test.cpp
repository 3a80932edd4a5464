// What makes training fast must not change what is learnt.
#include "model/bf16.h"
#include "model/depthwise.h"
#include "model/depthwise_kernel.h"
#include "model/evaluate.h"
#include "model/fold_norms.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "catch.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/irparser.h>

using namespace tl;

namespace {

double relative(const at::Tensor& given, const at::Tensor& expected) {
  return ((given - expected).norm() / expected.norm()).item<double>();
}

struct Gradients {
  at::Tensor input, weight;
};

Gradients by_torch(const at::Tensor& x, const at::Tensor& w, const at::Tensor& grad,
                   at::IntArrayRef stride, at::IntArrayRef padding) {
  const at::Tensor a = x.clone().set_requires_grad(true);
  const at::Tensor b = w.clone().set_requires_grad(true);
  torch::conv2d(a, b, {}, stride, padding, 1, x.size(1)).backward(grad);
  return {a.grad(), b.grad()};
}

}  // namespace

TEST_CASE("depthwise gradients are those of PyTorch") {
  torch::manual_seed(2);
  struct Case {
    std::int64_t channels, height, width, kernel_y, kernel_x, stride, padding;
  };
  for (const Case& c :
       {Case{8, 9, 9, 3, 3, 1, 1}, Case{70, 11, 8, 5, 3, 2, 0}, Case{129, 7, 7, 3, 5, 2, 2},
        Case{1, 6, 6, 2, 2, 1, 0}, Case{64, 5, 5, 5, 5, 1, 2}, Case{16, 13, 13, 7, 7, 3, 3},
        Case{20, 3, 4, 1, 1, 2, 0}, Case{16, 30, 31, 5, 5, 2, 2}}) {
    const at::Tensor x = torch::randn({11, c.channels, c.height, c.width});
    const at::Tensor w = torch::randn({c.channels, 1, c.kernel_y, c.kernel_x});
    const std::vector<std::int64_t> stride = {c.stride, c.stride};
    const std::vector<std::int64_t> padding = {c.padding, c.padding};
    const at::Tensor grad =
        torch::randn_like(torch::conv2d(x, w, {}, stride, padding, 1, c.channels));
    const Gradients expected = by_torch(x, w, grad, stride, padding);
    const DepthwiseShape shape{x.size(0),    c.channels,   c.height,   c.width,
                               grad.size(2), grad.size(3), c.kernel_y, c.kernel_x,
                               c.stride,     c.stride,     c.padding,  c.padding};
    const at::Tensor rows = grad.permute({0, 2, 3, 1}).contiguous();
    const at::Tensor pixels = x.permute({0, 2, 3, 1}).contiguous();
    const at::Tensor taps = w.squeeze(1).permute({1, 2, 0}).contiguous();
    at::Tensor of_input = torch::empty_like(pixels);
    at::Tensor of_weight = torch::empty_like(taps);
    depthwise_gradients(shape, rows.const_data_ptr<float>(), pixels.const_data_ptr<float>(),
                        taps.const_data_ptr<float>(), of_input.mutable_data_ptr<float>(),
                        of_weight.mutable_data_ptr<float>());
    INFO(c.channels << " channels, " << c.kernel_y << " x " << c.kernel_x << ", stride "
                    << c.stride);
    CHECK(relative(of_input.permute({0, 3, 1, 2}), expected.input) < 1e-6);
    CHECK(relative(of_weight.permute({2, 0, 1}).unsqueeze(1), expected.weight) < 1e-6);
  }
}

#ifndef __SANITIZE_THREAD__  // which sees no barrier of LibTorch's OpenMP
TEST_CASE("the sums of depthwise gradients do not depend on the number of threads") {
  torch::manual_seed(3);
  const DepthwiseShape shape{16, 96, 14, 14, 14, 14, 3, 3, 1, 1, 1, 1};
  const at::Tensor grad = torch::randn({16, 14, 14, 96});
  const at::Tensor x = torch::randn({16, 14, 14, 96});
  const at::Tensor taps = torch::randn({3, 3, 96});
  const auto sums = [&](int threads) {
    at::set_num_threads(threads);
    at::Tensor of_input = torch::empty_like(x);
    at::Tensor of_weight = torch::empty_like(taps);
    depthwise_gradients(shape, grad.const_data_ptr<float>(), x.const_data_ptr<float>(),
                        taps.const_data_ptr<float>(), of_input.mutable_data_ptr<float>(),
                        of_weight.mutable_data_ptr<float>());
    return of_weight;
  };
  const int before = at::get_num_threads();
  const at::Tensor one = sums(1);
  CHECK(torch::equal(sums(2), one));
  at::set_num_threads(before);
}
#endif

namespace {

// conv, norm with fixed statistics, relu, depthwise conv with bias, norm, pooling.
const char* const graph_text = R"IR(
graph(%x : Tensor, %w : Tensor, %g : Tensor, %b : Tensor, %m : Tensor, %v : Tensor, %dw : Tensor, %db : Tensor):
  %none : None = prim::Constant()
  %one : int = prim::Constant[value=1]()
  %groups : int = prim::Constant[value=8]()
  %false : bool = prim::Constant[value=0]()
  %momentum : float = prim::Constant[value=0.1]()
  %eps : float = prim::Constant[value=1e-05]()
  %pair : int[] = prim::ListConstruct(%one, %one)
  %c : Tensor = aten::conv2d(%x, %w, %none, %pair, %pair, %pair, %one)
  %n : Tensor = aten::batch_norm(%c, %g, %b, %m, %v, %false, %momentum, %eps, %false)
  %r : Tensor = aten::relu(%n)
  %d : Tensor = aten::conv2d(%r, %dw, %db, %pair, %pair, %pair, %groups)
  %o : Tensor = aten::batch_norm(%d, %g, %b, %m, %v, %false, %momentum, %eps, %false)
  return (%o))IR";

FlatGraph small_graph() {
  FlatGraph flat;
  flat.graph = std::make_shared<torch::jit::Graph>();
  torch::jit::parseIR(graph_text, flat.graph.get());
  torch::manual_seed(4);
  const auto add = [&](const std::string& name, const at::Tensor& tensor, bool parameter = true) {
    flat.tensors.push_back({name, tensor, parameter});
    if (parameter) flat.tensors.back().tensor.set_requires_grad(true);
  };
  add("w", torch::randn({8, 3, 3, 3}) * 0.3);
  add("g", torch::rand({8}) + 0.5);
  add("b", torch::randn({8}));
  add("m", torch::randn({8}), false);
  add("v", torch::rand({8}) + 0.5, false);
  add("dw", torch::randn({8, 1, 3, 3}));
  add("db", torch::randn({8}));
  return flat;
}

struct Ran {
  at::Tensor output;
  std::vector<at::Tensor> gradients;
};

Ran run(FlatGraph& flat) {
  torch::manual_seed(5);
  torch::jit::Stack stack = {torch::randn({4, 3, 10, 10})};
  for (const NamedTensor& named : flat.tensors) {
    named.tensor.mutable_grad() = at::Tensor();
    stack.emplace_back(named.tensor);
  }
  Ran ran{Executable(flat.graph).run(stack).at(0).toTensor().to(at::kFloat), {}};
  ran.output.square().mean().backward();
  for (const NamedTensor& named : flat.tensors) {
    if (named.parameter) ran.gradients.push_back(named.tensor.grad());
  }
  return ran;
}

int count(const FlatGraph& flat, const std::string& kind) {
  int n = 0;
  for (const torch::jit::Node* node : flat.graph->nodes())
    n += node->kind() == c10::Symbol::fromQualString(kind);
  return n;
}

void check_same(const Ran& given, const Ran& expected, double tolerance) {
  CHECK(relative(given.output.detach(), expected.output.detach()) < tolerance);
  REQUIRE(given.gradients.size() == expected.gradients.size());
  for (std::size_t i = 0; i < given.gradients.size(); ++i) {
    INFO("gradient " << i);
    CHECK(relative(given.gradients[i], expected.gradients[i]) < tolerance);
  }
}

}  // namespace

TEST_CASE("folded norms give the same output and gradients") {
  FlatGraph flat = small_graph();
  const Ran expected = run(flat);
  fold_norms(flat);
  CHECK(count(flat, "aten::batch_norm") == 0);
  check_same(run(flat), expected, 1e-5);
}

TEST_CASE("a norm that learns its statistics is not folded") {
  FlatGraph flat = small_graph();
  for (torch::jit::Node* node : flat.graph->nodes()) {
    if (node->kind() != c10::aten::batch_norm) continue;
    const torch::jit::WithInsertPoint here(node);
    node->replaceInput(5, flat.graph->insertConstant(true));
  }
  fold_norms(flat);
  CHECK(count(flat, "aten::batch_norm") == 2);
}

TEST_CASE("fast depthwise convolutions give the same output and gradients") {
  FlatGraph flat = small_graph();
  const Ran expected = run(flat);
  SECTION("alone") {}
  SECTION("with folded norms") {
    fold_norms(flat);
  }
  speed_up_depthwise(flat);
  CHECK(count(flat, "tl::depthwise_conv2d") == 1);
  CHECK(count(flat, "aten::conv2d") == 1);
  check_same(run(flat), expected, 1e-5);
}

TEST_CASE("bf16 comes near to fp32, and gradients come back in fp32") {
  FlatGraph flat = small_graph();
  const Ran expected = run(flat);
  fold_norms(flat);
  speed_up_depthwise(flat);
  compute_in_bf16(*flat.graph);
  const Ran given = run(flat);
  check_same(given, expected, 0.02);
  CHECK(relative(given.output.detach(), expected.output.detach()) > 1e-5);
  for (const at::Tensor& gradient : given.gradients)
    CHECK(gradient.scalar_type() == at::kFloat);
}
