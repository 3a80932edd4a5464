// What the probes of networks share: tensors go through pickled dictionaries that torch.load reads.
#pragma once

#include "model/api/execute.h"
#include "model/api/input.h"
#include "model/api/parts.h"
#include "tl/base/files.h"
#include "tl/model/model.h"

#include <ATen/ATen.h>
#include <torch/serialize.h>

#include <string>
#include <vector>

using TensorDict = c10::Dict<std::string, at::Tensor>;

inline c10::IValue read_pickle(const std::string& file) {
  const std::string bytes = tl::read_file(file, tl::ExitCode::data);
  return torch::pickle_load(std::vector<char>(bytes.begin(), bytes.end()));
}

inline at::Tensor read_tensor(const c10::IValue& dictionary, const std::string& key) {
  return dictionary.toGenericDict().at(key).toTensor();
}

inline void write_pickle(const std::string& file, const TensorDict& tensors) {
  const auto bytes = torch::pickle_save(tensors);
  tl::write_file(file, {bytes.data(), bytes.size()});
}

inline tl::InputSpec square(std::int64_t size) {
  tl::InputSpec input;
  input.height = input.width = static_cast<int>(size);
  input.resize = static_cast<int>(size);
  return input;
}

// Names in a model.pt.
inline std::vector<std::string> frozen_tensors(const tl::Model& model) {
  std::vector<std::string> names;
  for (int i = 0; i < model.frozen_layers(); ++i) {
    for (const std::string& name : model.layers()[static_cast<std::size_t>(i)].tensors)
      names.push_back("backbone." + name);
  }
  return names;
}

// The prefix as PyTorch itself would compute it. An engine's last bits differ, by far less than
// 1e-5, but twenty steps of some networks make a hundred times that of it.
class PlainPrefix {
 public:
  explicit PlainPrefix(const tl::Model& model)
      : info_(model.info()), piece_(tl::frozen_prefix(model).flat) {}
  at::Tensor features(const at::Tensor& images) const {
    const at::NoGradGuard no_grad;
    return piece_.run(tl::to_input(images, info_, at::kCPU));
  }

 private:
  tl::FileInfo info_;
  tl::Piece piece_;
};
