#include "engine/engine.h"
#include "engine/frozen_graph.h"
#include "engine/torch_decoder.h"
#include "model/api/input.h"
#include "tl/base/error.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <omp.h>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/group_normalization.hpp>
#include <openvino/op/select.hpp>
#include <openvino/op/util/binary_elementwise_arithmetic.hpp>
#include <openvino/op/util/binary_elementwise_comparison.hpp>
#include <openvino/runtime/core.hpp>
#include <openvino/runtime/properties.hpp>
#include <vector>

namespace tl {
namespace {

// A request has a fixed shape. With this many images it costs hardly more than its arithmetic.
constexpr std::int64_t images_per_request = 4;
// Each core has a stream, which computes one request at a time. Requests wait in one queue for all
// streams, so that one whose core is slow, or shared with a loader, takes fewer.
constexpr int requests_per_stream = 4;

ov::element::Type element_type(Precision precision) {
  return precision == Precision::bf16 ? ov::element::bf16 : ov::element::f32;
}

bool goes_element_by_element(const std::shared_ptr<ov::Node>& node) {
  return ov::as_type_ptr<ov::op::util::BinaryElementwiseArithmetic>(node) ||
         ov::as_type_ptr<ov::op::util::BinaryElementwiseComparison>(node) ||
         ov::as_type_ptr<ov::op::v1::Select>(node);
}

bool is_vector(const ov::Output<ov::Node>& value) {
  return value.get_partial_shape().rank() == 2;
}

bool is_group_norm(const ov::Output<ov::Node>& value) {
  return ov::is_type<ov::op::v12::GroupNormalization>(value.get_node());
}

// OpenVINO 2026.4 crashes where sums or products of vectors follow on each other with layers
// between them, and where what a group norm gives is added to another sum (as in a ResNet).
void refuse_what_crashes(const ov::Model& model) {
  for (const auto& node : model.get_ops()) {
    if (!goes_element_by_element(node)) continue;
    std::vector<ov::Output<ov::Node>> values = node->input_values();
    std::erase_if(values, [](const ov::Output<ov::Node>& value) {
      return ov::is_type<ov::op::v0::Constant>(value.get_node());
    });
    if (values.size() < 2) continue;
    if (std::all_of(values.begin(), values.end(), is_vector) ||
        std::any_of(values.begin(), values.end(), is_group_norm)) {
      throw Error(ExitCode::model, "it may crash on " + node->get_friendly_name());
    }
  }
}

// uint8 N x H x W x 3 in, normalised inside; features out in the engine's precision.
std::shared_ptr<ov::Model> complete(const std::shared_ptr<ov::Model>& model,
                                    const EngineInput& input) {
  ov::preprocess::PrePostProcessor process(model);
  auto& images = process.input();
  images.tensor().set_element_type(ov::element::u8).set_layout("NHWC");
  images.model().set_layout("NCHW");
  auto& steps = images.preprocess().convert_element_type(ov::element::f32).scale(255.0F);
  if (!input.info.normalises) {
    const auto& [mean, std] = std::tie(input.info.input.mean, input.info.input.std);
    steps.mean(std::vector<float>(mean.begin(), mean.end()));
    steps.scale(std::vector<float>(std.begin(), std.end()));
  }
  process.output().tensor().set_element_type(element_type(input.precision));
  return process.build();
}

ov::CompiledModel compile(const std::shared_ptr<ov::Model>& model, Precision precision) {
  static ov::Core core;
  const int threads = at::get_num_threads();
  return core.compile_model(
      model, "CPU",
      {ov::hint::performance_mode(ov::hint::PerformanceMode::THROUGHPUT),
       ov::hint::inference_precision(element_type(precision)), ov::num_streams(threads),
       ov::inference_num_threads(threads), ov::hint::enable_cpu_pinning(false)});
}

class OpenVinoEngine : public Engine {
 public:
  explicit OpenVinoEngine(const EngineInput& input)
      : graph_(frozen_graph(input.slice)), type_(scalar_type(input.precision)) {
    const auto height = static_cast<std::size_t>(input.info.input.height);
    const auto width = static_cast<std::size_t>(input.info.input.width);
    const auto model = to_openvino(graph_, {images_per_request, 3, height, width});
    refuse_what_crashes(*model);
    compiled_ = compile(complete(model, input), input.precision);
    const auto streams = compiled_.get_property(ov::num_streams).num;
    for (int i = 0; i < requests_per_stream * streams; ++i)
      requests_.push_back(compiled_.create_infer_request());
  }

  at::Tensor run(const at::Tensor& images) override {
    // After one of LibTorch's loops OpenMP's threads wait for the next by spinning, for
    // milliseconds, on cores that the streams need. This ends them; the next loop starts new ones.
    omp_pause_resource_all(omp_pause_soft);
    const at::Tensor source = images.contiguous();
    const std::int64_t n = source.size(0);
    const std::int64_t whole = n - n % images_per_request;
    const ov::Shape shape = compiled_.output().get_shape();
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    sizes[0] = n;
    at::Tensor features = at::empty(sizes, type_);
    const auto nothing_runs = c10::make_scope_exit([&] { wait_in_any_case(); });
    for (std::int64_t first = 0; first < whole; first += images_per_request) {
      start(source.narrow(0, first, images_per_request),
            features.narrow(0, first, images_per_request));
    }
    if (whole < n) run_rest(source.slice(0, whole), features.slice(0, whole));
    for (ov::InferRequest& request : requests_)
      request.wait();
    return features;
  }

  std::string name() const override { return "openvino"; }

 private:
  // Requests read and write tensors of one call: none may still run when the call ends, not even
  // when it ends by an exception.
  void wait_in_any_case() noexcept {
    for (ov::InferRequest& request : requests_) {
      try {
        request.wait();
      } catch (const std::exception&) {  // the first one is on its way already
      }
    }
  }

  // In place: the request reads and writes the tensors' own memory.
  void start(const at::Tensor& images, const at::Tensor& features) {
    ov::InferRequest& request = requests_[next_++ % requests_.size()];
    request.wait();
    request.set_input_tensor(
        ov::Tensor(ov::element::u8, compiled_.input().get_shape(), images.data_ptr()));
    request.set_output_tensor(ov::Tensor(compiled_.output().get_element_type(),
                                         compiled_.output().get_shape(), features.data_ptr()));
    request.start_async();
  }

  void run_rest(const at::Tensor& images, at::Tensor features) {
    auto sizes = images.sizes().vec();
    sizes[0] = images_per_request;
    at::Tensor padded = at::zeros(sizes, at::kByte);
    padded.narrow(0, 0, images.size(0)).copy_(images);
    sizes = features.sizes().vec();
    sizes[0] = images_per_request;
    const at::Tensor result = at::empty(sizes, type_);
    ov::InferRequest& request = requests_[next_ % requests_.size()];
    start(padded, result);
    request.wait();
    features.copy_(result.narrow(0, 0, images.size(0)));
  }

  std::shared_ptr<torch::jit::Graph> graph_;  // holds the weights that the compiled model shares
  at::ScalarType type_;
  ov::CompiledModel compiled_;
  std::vector<ov::InferRequest> requests_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_openvino_engine(const EngineInput& input) {
  return std::make_unique<OpenVinoEngine>(input);
}

}  // namespace tl
