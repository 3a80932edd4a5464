#include "tl/engine/inference.h"

#include "engine/engine.h"
#include "model/api/input.h"
#include "model/api/parts.h"
#include "tl/base/hash.h"
#include "tl/base/log.h"
#include "tl/base/stopwatch.h"
#include "tl/base/text.h"

#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace tl {
namespace {

std::string hash_of(const at::Tensor& tensor) {
  const at::Tensor bytes = tensor.detach().to(at::kCPU).contiguous();
  return content_hash({static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()});
}

// The operations; which of several GPUs they run on does not count.
std::string operations_of(const EngineInput& input) {
  std::string text = input.slice.graph->toString(/*print_source_locations=*/false);
  const std::string device = input.device.str();
  const std::string kind = c10::DeviceTypeName(input.device.type(), /*lower_case=*/true);
  for (auto at = text.find(device); at != text.npos; at = text.find(device, at + kind.size()))
    text.replace(at, device.size(), kind);
  return text;
}

// Operations, weights and constants alike: printed graphs abridge tensors, so those are hashed.
std::string hash_of(const EngineInput& input) {
  std::string text = operations_of(input);
  for (const NamedTensor& named : input.slice.tensors)
    text += hash_of(named.tensor);
  for (const torch::jit::Node* node : input.slice.graph->nodes()) {
    if (node->kind() != torch::jit::prim::Constant) continue;
    const auto value = torch::jit::toIValue(node->output());
    if (value && value->isTensor()) text += hash_of(value->toTensor());
  }
  if (!input.info.normalises) text += to_json(input.info.input).dump();
  if (input.precision == Precision::bf16) text += " bf16";
  return content_hash(text);
}

// Of CUDA's devices, those of compute capability 8 and more: what cuDNN asks of them too.
bool cuda_computes_in_bf16(const at::Device& device) {
  const c10::DeviceGuard current(device);
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
}

bool computes_in_bf16(const at::Device& device) {
  if (device.is_cuda()) return cuda_computes_in_bf16(device);
  const auto capabilities = at::cpu::get_cpu_capabilities();
  const auto has = [&](const char* name) {
    const auto found = capabilities.find(name);
    return found != capabilities.end() && found->second.isBool() && found->second.toBool();
  };
  return has("avx512_bf16") || has("amx_bf16") || has("bf16");
}

}  // namespace

Precision resolve_precision(Precision wish, const Model& model) {
  if (wish != Precision::automatic) return wish;
  return computes_in_bf16(model.device()) ? Precision::bf16 : Precision::fp32;
}

namespace {

// What LibTorch computes at once: more would only take more memory.
int images_per_call(const c10::Device& device) {
  return device.is_cuda() ? 128 : std::max(32, 16 * at::get_num_threads());
}

}  // namespace

int preferred_batch(const c10::Device& device) {
  return (device.is_cuda() ? 1 : 2) * images_per_call(device);
}

// --- Prefix ---

struct Prefix::State {
  EngineInput input;
  bool empty;
  std::vector<std::int64_t> sizes;
  std::string network;  // its hash; "" until it is asked for: all weights are hashed for it
  std::unique_ptr<Engine> engine;

  Engine& made() {
    if (!engine) engine = make_engine(input);
    return *engine;
  }
};

Prefix::Prefix(const Model& model, Precision precision) {
  FrozenPrefix part = frozen_prefix(model);
  const at::Device device = model.device();
  state_ = std::make_unique<State>(
      State{{std::move(part.flat), model.info(), device, precision, images_per_call(device)},
            part.empty,
            std::move(part.sizes),
            {},
            nullptr});
}
Prefix::~Prefix() = default;
Prefix::Prefix(Prefix&&) noexcept = default;

void Prefix::prepare() const {
  if (!state_->empty) state_->made();
}

at::Tensor Prefix::features(const at::Tensor& images) const {
  if (state_->empty) return to_input(images, state_->input.info, state_->input.device);
  return state_->made().run(images).to(feature_type());
}

c10::Device Prefix::device() const {
  return state_->input.device;
}
bool Prefix::is_empty() const {
  return state_->empty;
}
c10::ScalarType Prefix::feature_type() const {
  return scalar_type(state_->input.precision);
}
const std::vector<std::int64_t>& Prefix::feature_sizes() const {
  return state_->sizes;
}
std::string Prefix::identity() const {
  if (state_->network.empty()) {
    const Stopwatch hashing;
    state_->network = hash_of(state_->input);
    log::debug(str("prefix: identity of the network ", state_->network, ", hashed in ",
                   fixed(hashing.seconds(), 2), " s"));
  }
  const EngineInput& input = state_->input;
  const auto& engine = state_->engine;
  return content_hash(state_->network +
                      engine_identity(engine ? engine->name() : first_engine(input.device), input));
}
std::string Prefix::engine() const {
  return state_->made().name();
}

// --- Classifier ---

Classifier::Classifier(const Model& model, Precision precision)
    : engine_(make_engine({up_to_logits(model), model.info(), model.device(), precision})) {}
Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

at::Tensor Classifier::logits(const at::Tensor& images) const {
  return engine_->run(images).to(at::kFloat);
}

}  // namespace tl
