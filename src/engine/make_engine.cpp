#include "engine/engine.h"
#include "model/api/compute_threads.h"
#include "model/api/execute.h"
#include "model/api/input.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/stopwatch.h"
#include "tl/base/text.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <sstream>

namespace tl {
namespace {

// On one thread: where others decode images meanwhile, LibTorch's would wait for each other.
at::Tensor plain_output(const EngineInput& input, const at::Tensor& images) {
  const ComputeThreads one(1);
  return Piece(input.slice).run(to_input(images, input.info, input.device));
}

// A fast engine works on another form of the network: before it is believed, it must give what the
// plain network gives for an image.
bool agrees(Engine& engine, const EngineInput& input) {
  const at::NoGradGuard no_grad;
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(29);
  const auto& size = input.info.input;
  const at::Tensor images =
      at::randint(0, 256, {1, size.height, size.width, 3}, generator, at::TensorOptions(at::kByte));
  const at::Tensor expected = plain_output(input, images).to(at::kDouble);
  const at::Tensor given = engine.run(images).to(at::kDouble);
  if (given.sizes() != expected.sizes()) return false;
  const at::Tensor finite = expected.isfinite();
  if (!given.isfinite().equal(finite)) return false;
  const double norm = expected.where(finite, 0.0).norm().item<double>();
  const double error = given.sub(expected).where(finite, 0.0).norm().item<double>();
  const double allowed = (input.precision == Precision::bf16 ? 0.1 : 1e-3) * norm;
  log::debug(str("engine: ", engine.name(), " is off by ", error, ", of ", allowed, " allowed"));
  return error <= allowed;
}

// The line of an error that tells what is wrong: OpenVINO's begin with places in its sources.
std::string essence(const std::string& message) {
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("with a message") != line.npos || line.find("aten::") != line.npos) return line;
  }
  return last_line(message);
}

std::unique_ptr<Engine> try_engine(const std::string& name,
                                   std::unique_ptr<Engine> (*make)(const EngineInput&),
                                   const EngineInput& input) {
  std::string reason = "its results differ from the network's";
  const Stopwatch making;
  try {
    auto engine = make(input);
    if (agrees(*engine, input)) {
      log::debug(str("engine: ", name, " in ", input.precision == Precision::bf16 ? "bf16" : "fp32",
                     ", made and checked in ", fixed(making.seconds(), 2), " s"));
      return engine;
    }
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) throw;  // it may take the layers another time
    reason = essence(error.what());
  }
  log::info(str(name, " can't compute these layers (", reason, "); something slower does"));
  return nullptr;
}

}  // namespace

std::unique_ptr<Engine> make_engine(const EngineInput& input) {
#ifdef TL_OPENVINO
  if (input.device.is_cpu()) {
    if (auto engine = try_engine("OpenVINO", make_openvino_engine, input)) return engine;
  }
#endif
  if (auto engine = try_engine("LibTorch with folded norms", make_libtorch_engine, input))
    return engine;
  EngineInput exact = input;
  exact.precision = Precision::fp32;
  return make_plain_engine(exact);
}

}  // namespace tl
