#include "train/checkpoint.h"

#include "tl/base/error.h"
#include "tl/base/hash.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"
#include "tl/eval/history.h"

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>
#include <torch/serialize/archive.h>

#include <algorithm>
#include <iterator>

namespace tl {
namespace {

using json = nlohmann::ordered_json;
using torch::serialize::InputArchive;
using torch::serialize::OutputArchive;

constexpr int format = 3;
constexpr std::string_view magic = "tlckpt3\n";
constexpr std::string_view any_magic = "tlckpt";  // with a digit, the format, and a newline
constexpr std::string_view zip_magic = "PK";      // format 1 is the archive alone

std::string to_text(const Position& p) {
  json history = json::array();
  for (const EpochMetrics& metrics : p.history)
    history.push_back(epoch_json(metrics));
  json text = {{"format", format},     {"epoch", p.epoch},
               {"step", p.step},       {"loss_sum", p.loss_sum},
               {"correct", p.correct}, {"seen", p.seen},
               {"seconds", p.seconds}, {"history", history},
               {"best", p.best},       {"epochs_since_best", p.epochs_since_best},
               {"stage", p.stage},     {"stage_began", p.stage_began}};
  if (p.best_for_stopping) text["best_for_stopping"] = *p.best_for_stopping;
  return text.dump();
}

[[noreturn]] void refuse_newer(const std::string& where) {
  throw Refusal(ExitCode::failure, "this checkpoint was written by a newer version", where,
                "resume the run with that version, or start it again from nothing",
                {Remedy::resume, Remedy::replace});
}

// Formats 1 and 2 had these numbers and no names.
EpochMetrics unnamed_epoch(const json& j) {
  return {j.at(0), j.at(1), j.at(2), j.at(3), j.at(4), j.at(5), j.at(6), j.at(7)};
}

void check(const Position& p) {
  const bool has_best = p.history.empty() || p.best < p.history.size();
  const int first = p.history.empty() ? p.epoch : p.history.front().epoch;  // 0: an exact fit
  const bool has_stage = p.stage_began >= first && p.stage_began <= p.epoch;
  const bool has_epochs = (first == 0 || first == 1) && std::ssize(p.history) == p.epoch - first;
  if (has_epochs && has_best && has_stage) return;
  throw DamagedCheckpoint("its position is impossible");
}

Position from_text(const std::string& text, const std::string& where) {
  const json j = json::parse(text);
  const int written_as = j.at("format");
  if (written_as > format) refuse_newer(where);
  Position p;
  p.epoch = j.at("epoch");
  p.step = j.at("step");
  p.loss_sum = j.at("loss_sum");
  p.correct = j.at("correct");
  p.seen = j.at("seen");
  p.seconds = j.at("seconds");
  p.best = j.at("best");
  p.epochs_since_best = j.at("epochs_since_best");
  if (j.contains("best_for_stopping")) p.best_for_stopping = j.at("best_for_stopping");
  for (const json& epoch : j.at("history"))
    p.history.push_back(written_as < 3 ? unnamed_epoch(epoch) : read_epoch(epoch));
  if (written_as >= 3) {
    p.stage = j.at("stage");
    p.stage_began = j.at("stage_began");
  }
  check(p);
  return p;
}

// The archive in a file's bytes, proved to be what was written.
std::string_view archive_in(std::string_view bytes, const std::string& where) {
  if (bytes.starts_with(zip_magic)) return bytes;
  const bool begins_well = bytes.size() > magic.size() && bytes.starts_with(any_magic) &&
                           bytes[any_magic.size()] >= '2' && bytes[any_magic.size() + 1] == '\n';
  if (!begins_well) throw DamagedCheckpoint("it does not begin as a checkpoint does");
  if (bytes[any_magic.size()] > magic[any_magic.size()]) refuse_newer(where);
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

// Read into a tensor that is there, LibTorch would change whatever shares it.
at::Tensor read_tensor(InputArchive& archive, const std::string& name) {
  at::Tensor tensor;
  archive.read(key(name), tensor, /*is_buffer=*/true);
  return tensor;
}

// copy_ alone would spread a smaller tensor over a larger one.
void take_over(const at::Tensor& tensor, const at::Tensor& saved) {
  if (saved.sizes() != tensor.sizes()) throw std::runtime_error("a tensor has another shape");
  at::Tensor(tensor).copy_(saved);
}

}  // namespace

std::string encode_checkpoint(const Position& position, const std::vector<TrainedTensor>& trained,
                              const Optimizer& optimizer) {
  OutputArchive archive;
  archive.write("position", c10::IValue(to_text(position)));
  for (const TrainedTensor& t : trained)
    archive.write(key(t.name), t.tensor.detach(), /*is_buffer=*/true);
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

Checkpoint::Checkpoint(std::string_view bytes, std::string where) try
    : where_(std::move(where)), archive_(std::make_unique<InputArchive>()) {
  const std::string_view archive = archive_in(bytes, where_);
  archive_->load_from(archive.data(), archive.size(), c10::Device(c10::kCPU));
  c10::IValue text;
  archive_->read("position", text);
  position_ = from_text(text.toStringRef(), where_);
} catch (const Error&) {
  throw;
} catch (const json::exception& error) {
  throw DamagedCheckpoint(first_line(error.what()));
} catch (const std::exception& error) {
  if (is_out_of_memory(error)) throw;
  throw DamagedCheckpoint(first_line(error.what()));
}

Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;

void Checkpoint::restore(const std::vector<TrainedTensor>& trained) const try {
  const at::NoGradGuard no_grad;
  for (const TrainedTensor& t : trained) {
    take_over(t.tensor, t.stage <= position_.stage ? read_tensor(*archive_, t.name) : t.before);
  }
} catch (const std::exception& error) {
  refuse(error);
}

void Checkpoint::restore(Optimizer& optimizer) const try {
  InputArchive state;
  archive_->read("optimizer", state);
  optimizer.load(state);
} catch (const std::exception& error) {
  refuse(error);
}

// To be called where `error` is being handled.
void Checkpoint::refuse(const std::exception& error) const {
  if (is_out_of_memory(error)) throw;
  throw Refusal(ExitCode::failure,
                str("the checkpoint does not fit the network: ", first_line(error.what())), where_,
                "start the run again from nothing", {Remedy::replace});
}

}  // namespace tl
