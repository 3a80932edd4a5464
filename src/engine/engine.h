// One slice of a network, made for inference.
#pragma once

#include "model/api/flat_graph.h"
#include "tl/config/model_options.h"
#include "tl/model/backbone_file.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

namespace tl {

class Engine {
 public:
  virtual ~Engine() = default;
  // images: uint8, N x H x W x 3, RGB. Returns the slice's output for them.
  virtual at::Tensor run(const at::Tensor& images) = 0;
  virtual std::string name() const = 0;  // "openvino", "libtorch" or "plain"
};

// A slice from the images on, and what it takes to run it.
struct EngineInput {
  FlatGraph slice;
  FileInfo info;  // says how the slice wants its images
  at::Device device;
  Precision precision;  // fp32 or bf16
  // Images are computed so many at a time, the last ones filled up, so that their last bits don't
  // depend on the company they are in; 0: as they come.
  std::int64_t images_per_call = 0;
};

// The fastest engine that gives what the slice gives for an image alone. Which one, and why not a
// faster one, goes into the log once. Throws Error(model) where none does.
std::unique_ptr<Engine> make_engine(const EngineInput& input);

// Norms folded into convolutions, channels-last.
std::unique_ptr<Engine> make_libtorch_engine(const EngineInput& input);

// The slice as it is, in fp32. Takes every slice on every device.
std::unique_ptr<Engine> make_plain_engine(const EngineInput& input);

// On CPUs. Throws std::exception where OpenVINO can't take the slice.
std::unique_ptr<Engine> make_openvino_engine(const EngineInput& input);

// The name of the engine that make_engine tries first.
std::string first_engine(const at::Device& device);

// All that the last digits of its features depend on beside the slice: its code's number, the
// libraries, the hardware's kind, and how many images it computes at a time.
std::string engine_identity(const std::string& name, const EngineInput& input);

}  // namespace tl
