#include "train/checkpoint.h"

#include "tl/base/error.h"
#include "tl/base/hash.h"
#include "tl/base/text.h"

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>
#include <torch/serialize/archive.h>

#include <algorithm>
#include <iterator>

namespace tl {
namespace {

using nlohmann::json;
using torch::serialize::InputArchive;
using torch::serialize::OutputArchive;

constexpr int format = 2;
constexpr std::string_view magic = "tlckpt2\n";
constexpr std::string_view any_magic = "tlckpt";  // with a digit, the format, and a newline
constexpr std::string_view zip_magic = "PK";      // format 1 is the archive alone

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

[[noreturn]] void refuse_newer(const std::string& where) {
  throw Error(ExitCode::training, "this checkpoint was written by a newer version", where,
              "resume with that version, or start again with --force");
}

Position from_text(const std::string& text, const std::string& where) {
  const json j = json::parse(text);
  if (j.at("format").get<int>() > format) refuse_newer(where);
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
  const bool has_best = p.history.empty() || p.best < p.history.size();
  if (std::ssize(p.history) != p.epoch - 1 || !has_best) {
    throw DamagedCheckpoint("its position is impossible");
  }
  return p;
}

// The archive in a file's bytes, proved to be what was written.
std::string_view archive_in(std::string_view bytes, const std::string& where) {
  if (bytes.starts_with(zip_magic)) return bytes;
  if (!bytes.starts_with(magic)) {
    const bool newer = bytes.starts_with(any_magic) && bytes.size() > magic.size() &&
                       bytes[any_magic.size()] > magic[any_magic.size()];
    if (newer) refuse_newer(where);
    throw DamagedCheckpoint("it does not begin as a checkpoint does");
  }
  bytes.remove_prefix(magic.size());
  Digest expected{};
  if (bytes.size() < expected.size()) throw DamagedCheckpoint("it is cut off");
  std::copy_n(bytes.begin(), expected.size(), expected.begin());
  bytes.remove_prefix(expected.size());
  if (digest(bytes) != expected) throw DamagedCheckpoint("its checksum is wrong");
  return bytes;
}

// Archive keys must not look like paths into submodules.
std::string key(const std::string& name) {
  std::string key = name;
  for (char& c : key)
    c = c == '.' ? '/' : c;
  return key;
}

std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

// copy_ alone would spread a smaller tensor over a larger one.
void take_over(const at::Tensor& tensor, const at::Tensor& saved) {
  if (saved.sizes() != tensor.sizes()) throw std::runtime_error("a tensor has another shape");
  at::Tensor(tensor).copy_(saved);
}

}  // namespace

std::string encode_checkpoint(const Position& position, const Trainee& trainee,
                              const Optimizer& optimizer) {
  OutputArchive archive;
  archive.write("position", c10::IValue(to_text(position)));
  for (const auto& [name, tensor] : trainee.state()) {
    archive.write(key(name), tensor.detach(), /*is_buffer=*/true);
  }
  OutputArchive optimizer_archive;
  optimizer.save(optimizer_archive);
  archive.write("optimizer", optimizer_archive);
  std::string bytes(magic);
  bytes.append(sizeof(Digest), '\0');
  const std::size_t head = bytes.size();
  archive.save_to([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  const Digest sum = digest(std::string_view(bytes).substr(head));
  std::copy(sum.begin(), sum.end(), bytes.begin() + magic.size());
  return bytes;
}

Checkpoint::Checkpoint(std::string_view bytes, const c10::Device& device, std::string where) try
    : where_(std::move(where)), archive_(std::make_unique<InputArchive>()) {
  const std::string_view archive = archive_in(bytes, where_);
  archive_->load_from(archive.data(), archive.size(), device);
  c10::IValue text;
  archive_->read("position", text);
  position_ = from_text(text.toStringRef(), where_);
} catch (const Error&) {
  throw;
} catch (const json::exception& error) {
  throw DamagedCheckpoint(first_line(error));
} catch (const std::exception& error) {
  if (is_out_of_memory(error)) throw;
  throw DamagedCheckpoint(first_line(error));
}

Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;

void Checkpoint::restore(const Trainee& trainee, Optimizer* optimizer) const try {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : trainee.state()) {
    at::Tensor saved;
    archive_->read(key(name), saved, /*is_buffer=*/true);
    take_over(tensor, saved);
  }
  if (optimizer == nullptr) return;
  InputArchive optimizer_archive;
  archive_->read("optimizer", optimizer_archive);
  optimizer->load(optimizer_archive);
} catch (const std::exception& error) {
  if (is_out_of_memory(error)) throw;
  throw Error(ExitCode::training,
              str("the checkpoint does not fit the network: ", first_line(error)), where_,
              "start again with --force");
}

}  // namespace tl
