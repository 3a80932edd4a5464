// A TorchScript network as one flat graph of tensor operations and a table of named tensors,
// together with the choice of what is frozen. Nothing here knows any layer by name.
#pragma once

#include "tl/config/model_options.h"
#include "tl/model/backbone_file.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace at {
class Tensor;
}
namespace c10 {
struct Device;
}

namespace tl {

struct Network;

// A parameterised operation of the network, together with the norm or the elementwise affine that
// follows it directly: what `backbone.freeze` counts.
struct Layer {
  std::string name;                  // the module path of its first tensor, e.g. layer1.0.conv1
  std::string kind;                  // e.g. "conv 3x3 + batch_norm"
  std::vector<std::int64_t> output;  // shape for one image, without the batch
  std::int64_t parameters = 0;       // not counting those that an earlier layer shares
  bool cut_after = false;            // one tensor is all that is alive somewhere behind it
  bool classifier = false;           // replaced by the head
  std::vector<std::string> tensors;  // names of its parameters and buffers
};

// What the head gets of one place in the network: the pooled output of a layer.
struct HeadInput {
  std::string layer;         // "" where no layer stands in front of the head
  std::int64_t columns = 0;  // of the features that the head's first Linear gets, side by side
};

struct Totals {
  std::int64_t all = 0;
  std::int64_t trainable = 0;
  std::int64_t frozen = 0;
};

class Model {
 public:
  // Loads and lowers the file. Loading TorchScript runs code of the file: load what you trust.
  // Throws Error(model): no TorchScript, an input that is not an image batch, an output that is not
  // one tensor, or an operation that can't be lowered (with its place in the network).
  static Model load(const std::filesystem::path& file,
                    const std::optional<InputSpec>& input = std::nullopt);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const FileInfo& info() const;
  // The backbone's layers in execution order; those of a classifier that the head will replace (or
  // of what lies behind the feature map that it pools) come last and are no longer there after
  // attach_head.
  const std::vector<Layer>& layers() const;
  // Columns of the network's output: logits, or features where the file has no classifier; 0 where
  // it gives a feature map.
  std::int64_t outputs() const;

  // Replaces the classifier, if there is one, by pool, hidden layers and a linear layer with one
  // logit a class. Weights come from `seed`. Throws Error(model) where there is no place for a
  // head, and Error(usage) where options.inputs names no layer that one can get features of.
  void attach_head(const HeadOptions& options, int classes, std::uint64_t seed);
  // Of the head, in the order of its columns; none before there is one.
  const std::vector<HeadInput>& head_inputs() const;
  // The same without those inputs of the head whose weights in its first Linear are all 0, and
  // without what the network computes for them alone. Tensors are shared, but for that Linear's.
  Model without_idle_inputs() const;

  // Chooses the first layers that keep every tensor. Returns k. Throws Error(usage) on an unknown
  // name or a k beyond the last layer of the backbone.
  int freeze(const Freeze& choice);
  int frozen_layers() const;

  // Fresh weights for every backbone layer that is not frozen: He et al. 2015 for convolutions and
  // linear layers, ones and zeros for norms, N(0, 0.02) for other tables (as in BERT and ViT).
  void initialise_unfrozen(std::uint64_t seed);

  // Of the layers in use: before attach_head those of the file, after it backbone and head.
  Totals totals() const;

  // Moves all tensors. Throws LibTorch's c10::Error where there is no such device or no memory.
  void to(const c10::Device& device);
  // Where its tensors are; the CPU for a network without any.
  c10::Device device() const;

  // Writes one TorchScript module that takes RGB in [0, 1], N x 3 x H x W, and returns logits; the
  // normalisation is inside, parameters keep their names under backbone. and head., and
  // `metadata` becomes the extra file tl/model.json. The file is whole or absent: throws
  // Error(training) where the disk refuses.
  void save(const std::filesystem::path& file, const std::string& metadata) const;

  // Every parameter and buffer in use, by name; the tensors are shared, not copied.
  std::vector<std::pair<std::string, at::Tensor>> tensors() const;

 private:
  friend const Network& network_of(const Model& model);  // for the library's own rooms
  Model();
  FileInfo info_;
  std::unique_ptr<Network> network_;
};

// What stands behind the prefix: the rest of the backbone, and the head. Batch-norm layers that are
// not frozen use and update batch statistics in training where `batch_norm` is train; dropout is on
// in training behind the first trainable layer.
class Trainee {
 public:
  // `precision`: fp32 or bf16, of activations and gradients; weights are kept in fp32. The tensors
  // are the model's own. Throws Error(model) where a size behind the cut can't be recomputed there.
  Trainee(const Model& model, BatchNorm batch_norm, Precision precision = Precision::fp32);
  ~Trainee();
  Trainee(Trainee&&) noexcept;
  // features: as Prefix gives them, N x Prefix::feature_sizes(), fp32 or bf16. Returns N x C logits
  // in fp32, with gradients in training.
  at::Tensor logits(const at::Tensor& features, bool training) const;

  std::vector<at::Tensor> head_parameters() const;
  std::vector<at::Tensor> backbone_parameters() const;  // the trainable ones
  // Everything that training can change, by name: what a checkpoint keeps.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

 private:
  std::vector<at::Tensor> parameters(bool head) const;
  struct State;
  std::unique_ptr<State> state_;
};

// Throws Error(model) where the network can't be cut in two where training begins, as Prefix and
// Trainee cut it.
void check_cut(const Model& model);

}  // namespace tl
