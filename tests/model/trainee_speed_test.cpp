// What makes training fast must not change what is learnt.
#include "model/api/execute.h"
#include "model/bf16.h"
#include "model/depthwise.h"
#include "model/depthwise_kernel.h"
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

namespace {

struct Convolution {
  std::int64_t batch, channels, height, width;
  std::vector<std::int64_t> kernel, stride, padding;
};

// By the kernels alone, for T.
template <typename T>
Gradients by_kernels(const Convolution& c, const at::Tensor& x, const at::Tensor& w,
                     const at::Tensor& grad) {
  const auto type = c10::CppTypeToScalarType<T>::value;
  const DepthwiseShape shape{c.batch,      c.channels,   c.height,     c.width,
                             grad.size(2), grad.size(3), c.kernel[0],  c.kernel[1],
                             c.stride[0],  c.stride[1],  c.padding[0], c.padding[1]};
  const at::Tensor rows = grad.permute({0, 2, 3, 1}).to(type).contiguous();
  const at::Tensor pixels = x.permute({0, 2, 3, 1}).to(type).contiguous();
  const at::Tensor taps = w.squeeze(1).permute({1, 2, 0}).contiguous();
  at::Tensor of_input = torch::empty_like(pixels);
  at::Tensor of_weight = torch::empty_like(taps);
  depthwise_gradients(shape, rows.const_data_ptr<T>(), pixels.const_data_ptr<T>(),
                      taps.const_data_ptr<float>(), of_input.mutable_data_ptr<T>(),
                      of_weight.mutable_data_ptr<float>());
  return {of_input.permute({0, 3, 1, 2}).to(at::kFloat), of_weight.permute({2, 0, 1}).unsqueeze(1)};
}

}  // namespace

TEST_CASE("depthwise gradients are those of PyTorch") {
  torch::manual_seed(2);
  for (const Convolution& c : {Convolution{11, 8, 9, 9, {3, 3}, {1, 1}, {1, 1}},
                               Convolution{11, 70, 11, 8, {5, 3}, {2, 2}, {0, 0}},
                               Convolution{3, 129, 7, 7, {3, 5}, {2, 2}, {2, 2}},
                               Convolution{11, 1, 6, 6, {2, 2}, {1, 1}, {0, 0}},
                               Convolution{1, 64, 5, 5, {5, 5}, {1, 1}, {2, 2}},
                               Convolution{11, 16, 13, 13, {7, 7}, {3, 3}, {3, 3}},
                               Convolution{11, 20, 3, 4, {1, 1}, {2, 2}, {0, 0}},
                               Convolution{11, 16, 30, 31, {5, 5}, {2, 2}, {2, 2}},
                               Convolution{9, 33, 10, 12, {3, 5}, {1, 3}, {0, 4}},
                               Convolution{9, 33, 10, 12, {3, 3}, {2, 1}, {5, 1}}}) {
    INFO(c.channels << " channels, " << c.kernel << ", stride " << c.stride << ", padding "
                    << c.padding);
    const at::Tensor x = torch::randn({c.batch, c.channels, c.height, c.width});
    const at::Tensor w = torch::randn({c.channels, 1, c.kernel[0], c.kernel[1]});
    const at::Tensor grad =
        torch::randn_like(torch::conv2d(x, w, {}, c.stride, c.padding, 1, c.channels));
    const Gradients expected = by_torch(x, w, grad, c.stride, c.padding);
    const Gradients given = by_kernels<float>(c, x, w, grad);
    CHECK(relative(given.input, expected.input) < 1e-6);
    CHECK(relative(given.weight, expected.weight) < 1e-6);

    // In bf16, of numbers that bf16 has.
    const auto rounded = [](const at::Tensor& t) { return t.to(at::kBFloat16).to(at::kFloat); };
    const Gradients exact = by_torch(rounded(x), w, rounded(grad), c.stride, c.padding);
    const Gradients half = by_kernels<c10::BFloat16>(c, x, w, grad);
    CHECK(relative(half.input, exact.input) < 3e-3);
    CHECK(relative(half.weight, exact.weight) < 1e-6);
  }
}

TEST_CASE("a gradient that is no number stays none in bf16") {
  const Convolution c{1, 16, 1, 1, {1, 1}, {1, 1}, {0, 0}};
  const at::Tensor nan = torch::full({1, 16, 1, 1}, std::nan(""));
  const at::Tensor one = torch::ones({1, 16, 1, 1});
  const at::Tensor w = torch::ones({16, 1, 1, 1});
  CHECK(by_kernels<c10::BFloat16>(c, one, w, nan).input.isnan().all().item<bool>());
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
  CHECK(compute_in_bf16(flat, torch::randn({2, 3, 10, 10}), /*with_gradients=*/true).empty());
  const Ran given = run(flat);
  check_same(given, expected, 0.02);
  CHECK(relative(given.output.detach(), expected.output.detach()) > 1e-5);
  for (const at::Tensor& gradient : given.gradients)
    CHECK(gradient.scalar_type() == at::kFloat);
}
