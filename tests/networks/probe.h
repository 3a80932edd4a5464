// What the probes of networks share: tensors go through pickled dictionaries that torch.load reads.
#pragma once

#include "model/api/execute.h"
#include "model/api/input.h"
#include "model/api/parts.h"
#include "tl/base/files.h"
#include "tl/model/model.h"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>
#include <torch/serialize.h>

#include <algorithm>
#include <cmath>
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

// One that gives the same in training.
inline void attach_plain_head(tl::Model& model, int classes) {
  tl::HeadOptions head;
  head.dropout = 0;
  model.attach_head(head, classes, 1);
}

// All is to be trained; the head's tensors go into `results`.
inline void attach_plain_head(tl::Model& model, int classes, TensorDict& results) {
  attach_plain_head(model, classes);
  model.freeze(tl::FreezeWord::none);
  for (const auto& [name, tensor] : model.tensors()) {
    if (name.rfind("head.", 0) == 0) results.insert(name, tensor.clone());
  }
}

// Largest difference, relative to the largest value. Infinite where one is no number.
inline double difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  if (a.numel() == 0) return 0;
  const double scale = std::max(a.abs().max().item<double>(), b.abs().max().item<double>());
  const double off = (a - b).abs().max().item<double>();
  return off <= 1e6 * scale ? off / std::max(scale, 1e-6) : INFINITY;
}

// What the library said, and where in the probe's work it said so.
inline nlohmann::json refusal(const std::string& stage, const std::exception& error) {
  const auto* of_library = dynamic_cast<const tl::Error*>(&error);
  if (of_library == nullptr)
    return {{"stage", stage}, {"code", 1}, {"what", error.what()}, {"where", ""}, {"hint", ""}};
  return {{"stage", stage},
          {"code", static_cast<int>(of_library->code())},
          {"what", of_library->what()},
          {"where", of_library->where()},
          {"hint", of_library->hint()}};
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
