#include "train/checkpoint.h"

#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>
#include <torch/serialize/archive.h>

namespace tl {
namespace {

using nlohmann::json;
using torch::serialize::InputArchive;
using torch::serialize::OutputArchive;

constexpr int format = 1;

json to_json(const EpochMetrics& m) {
  return {m.epoch,        m.train_loss, m.train_accuracy, m.val_loss,
          m.val_accuracy, m.lr,         m.seconds,        m.images_per_second};
}

EpochMetrics epoch_from_json(const json& j) {
  return {j.at(0), j.at(1), j.at(2), j.at(3), j.at(4), j.at(5), j.at(6), j.at(7)};
}

std::string to_text(const Position& p) {
  json history = json::array();
  for (const EpochMetrics& metrics : p.history)
    history.push_back(to_json(metrics));
  return json{{"format", format},
              {"epoch", p.epoch},
              {"step", p.step},
              {"loss_sum", p.loss_sum},
              {"correct", p.correct},
              {"seen", p.seen},
              {"seconds", p.seconds},
              {"history", history},
              {"best", p.best},
              {"epochs_since_best", p.epochs_since_best},
              {"best_for_stopping", p.best_for_stopping}}
      .dump();
}

Position from_text(const std::string& text, const std::string& where) {
  const json j = json::parse(text);
  if (j.at("format").get<int>() > format) {
    throw Error(ExitCode::training, "this checkpoint was written by a newer version", where,
                "resume with that version, or start again with --force");
  }
  Position p{j.at("epoch"),
             j.at("step"),
             j.at("loss_sum"),
             j.at("correct"),
             j.at("seen"),
             j.at("seconds"),
             {},
             j.at("best"),
             j.at("epochs_since_best"),
             j.at("best_for_stopping")};
  for (const json& epoch : j.at("history"))
    p.history.push_back(epoch_from_json(epoch));
  return p;
}

// Archive keys must not look like paths into submodules.
std::string key(const std::string& name) {
  std::string key = name;
  for (char& c : key)
    c = c == '.' ? '/' : c;
  return key;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& file, const Position& position,
                     const Trainee& trainee, const Optimizer& optimizer) {
  OutputArchive archive;
  archive.write("position", c10::IValue(to_text(position)));
  for (const auto& [name, tensor] : trainee.state()) {
    archive.write(key(name), tensor.detach(), /*is_buffer=*/true);
  }
  OutputArchive optimizer_archive;
  optimizer.save(optimizer_archive);
  archive.write("optimizer", optimizer_archive);
  std::string bytes;
  archive.save_to([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  write_file(file, bytes);
}

Position load_checkpoint(const std::filesystem::path& file, const Trainee& trainee,
                         Optimizer* optimizer) try {
  InputArchive archive;
  const auto state = trainee.state();
  archive.load_from(file.string(), state.empty() ? at::kCPU : state.front().second.device());
  c10::IValue position;
  archive.read("position", position);
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state) {
    at::Tensor saved;
    archive.read(key(name), saved, /*is_buffer=*/true);
    at::Tensor(tensor).copy_(saved);
  }
  if (optimizer != nullptr) {
    InputArchive optimizer_archive;
    archive.read("optimizer", optimizer_archive);
    optimizer->load(optimizer_archive);
  }
  return from_text(position.toStringRef(), file.string());
} catch (const Error&) {
  throw;
} catch (const std::exception& error) {
  const std::string text = error.what();
  throw Error(ExitCode::training,
              str("can't read the checkpoint: ", text.substr(0, text.find('\n'))), file.string(),
              "start again with --force");
}

}  // namespace tl
