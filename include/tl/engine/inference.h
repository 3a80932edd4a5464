// The parts of a model that need no gradients, at the speed of the machine: the frozen prefix, and
// the whole network for evaluation. OpenVINO computes them on a CPU, LibTorch everywhere else and
// where OpenVINO was not built in or can't take the network.
#pragma once

#include "tl/config/model_options.h"
#include "tl/model/model.h"

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace at {
class Tensor;
}

namespace tl {

class Engine;  // src/engine/engine.h

// What `wish` means for the model's device. automatic: bf16 where the processor computes in it,
// fp32 elsewhere.
Precision resolve_precision(Precision wish, const Model& model);

// How many images to give a prefix in one call: enough to keep every core of the device busy, and
// for the end of the call, where some wait for the last, not to count.
int preferred_batch(const c10::Device& device);

// Everything before the last cut that stands before the first trainable parameter: runs without
// gradients, and gives the same features for the same image whatever is trained behind it.
class Prefix {
 public:
  // `precision`: fp32 or bf16. The model may change behind the cut afterwards, not in front of it.
  // Throws Error(model) where a size in the network can't be followed to the cut.
  Prefix(const Model& model, Precision precision);
  ~Prefix();
  Prefix(Prefix&&) noexcept;

  // Makes the engine, which the first call that needs it does otherwise. Throws std::bad_alloc and
  // the like where memory is short; an engine that can't take the layers gives way to a slower one.
  void prepare() const;

  // images: uint8, N x H x W x 3, RGB, of the size that the model's info() says; on the CPU.
  // Returns N x feature_sizes() of feature_type() on the model's device. Not to be called from two
  // threads at once.
  at::Tensor features(const at::Tensor& images) const;

  c10::Device device() const;
  // Nothing is frozen in front of a cut: the features are the images, made ready.
  bool is_empty() const;
  // float or bfloat16.
  c10::ScalarType feature_type() const;
  // Of one image, without the batch.
  const std::vector<std::int64_t>& feature_sizes() const;
  // Names everything that decides the features of an image of the network's size: weights,
  // operations, normalisation, precision, engine, libraries and kind of hardware. The same in every
  // process. Until an engine is made it is that of the first choice.
  std::string identity() const;
  // "openvino", "libtorch" or "plain"; makes the engine.
  std::string engine() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The network whole, for evaluation and prediction.
class Classifier {
 public:
  // `precision`: fp32 or bf16.
  explicit Classifier(const Model& model, Precision precision = Precision::fp32);
  ~Classifier();
  Classifier(Classifier&&) noexcept;

  // images: as for Prefix::features. Returns N x C logits in fp32 on the model's device. Not to be
  // called from two threads at once.
  at::Tensor logits(const at::Tensor& images) const;

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace tl
