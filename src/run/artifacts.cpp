#include "run/artifacts.h"

#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/hash.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/base/version.h"
#include "tl/engine/inference.h"
#include "tl/run/device.h"

#include <opencv2/core/version.hpp>
#include <torch/version.h>

#include <fstream>

namespace tl {
namespace {

using nlohmann::ordered_json;

std::string pretty(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

// Of the images' paths and contents.
std::string hash_of_data(const Dataset& dataset) {
  std::string lines;
  for (const Sample& sample : dataset.samples)
    lines += str(sample.path, '\t', hexadecimal(sample.content), '\n');
  return content_hash(lines);
}

std::string precision_name(Precision wish, const Model& model) {
  return resolve_precision(wish, model) == Precision::bf16 ? "bf16" : "fp32";
}

ordered_json environment(const Prepared& prepared) {
  const Experiment& options = prepared.experiment.options;
  return {
      {"tl", version()},
      {"torch", TORCH_VERSION},
      {"opencv", CV_VERSION},
      {"compiler", __VERSION__},
      {"device", device_name(prepared.device)},
      {"threads", compute_threads()},
      {"precision",
       {{"features", precision_name(options.features.precision, prepared.model)},
        {"train", precision_name(options.train.precision, prepared.model)}}},
      {"backbone",
       {{"file", options.backbone.file.string()}, {"xxh3_128", file_hash(options.backbone.file)}}},
      {"data",
       {{"root", options.data.root.string()},
        {"images", prepared.dataset.samples.size()},
        {"xxh3_128", hash_of_data(prepared.dataset)}}}};
}

}  // namespace

void start_run_folder(const Prepared& prepared, const RunFolder& folder) {
  std::filesystem::remove(folder.report());    // first: without it no run counts as finished
  if (std::filesystem::exists(folder.path)) {  // it may be the working directory: empty it
    for (const auto& old : std::filesystem::directory_iterator(folder.path)) {
      if (!folder.is_marker(old)) std::filesystem::remove_all(old);
    }
  }
  make_writable_folder(folder.checkpoints());
  std::filesystem::remove(folder.config());  // until it is there again, no run stands here
  write_split_csv(prepared.dataset, folder.split());
  write_skipped_csv(prepared.dataset, folder.skipped());
  write_file(folder.environment(), pretty(environment(prepared)));
  write_file(folder.config(), pretty(prepared.experiment.resolved));
}

namespace {

// The value that a run began with, where its environment.json has it and it is another now.
class Beginning {
 public:
  Beginning(const Prepared& prepared, const RunFolder& folder)
      : before_(ordered_json::parse(read_file(folder.environment(), ExitCode::usage), nullptr,
                                    /*allow_exceptions=*/false)),
        now_(environment(prepared)) {}

  bool differs(const char* key) const {
    const ordered_json::json_pointer place(key);
    return !before_.is_discarded() && before_.contains(place) && before_[place] != now_[place];
  }
  std::string was(const char* key) const { return text(before_, key); }
  std::string is(const char* key) const { return text(now_, key); }

 private:
  static std::string text(const ordered_json& json, const char* key) {
    const auto& value = json[ordered_json::json_pointer(key)];
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

  ordered_json before_;
  ordered_json now_;
};

}  // namespace

void compare_with_beginning(const Prepared& prepared, const RunFolder& folder) {
  const Beginning beginning(prepared, folder);
  if (beginning.differs("/backbone/xxh3_128")) {
    throw Error(ExitCode::usage, "the backbone file has changed since this run began",
                prepared.experiment.options.backbone.file.string(),
                "put the old file back, or start again with --force");
  }
  if (beginning.differs("/data/xxh3_128")) {
    throw Error(ExitCode::data, "images have changed since this run began",
                prepared.dataset.root.string(),
                "put the old ones back, or start again with --force");
  }
  for (const char* key :
       {"/tl", "/torch", "/opencv", "/device", "/precision/features", "/precision/train"}) {
    if (!beginning.differs(key)) continue;
    log::warn(str("this run began with ", key + 1, " ", beginning.was(key), " and goes on with ",
                  beginning.is(key), ": its last digits may differ from an undisturbed run's"));
  }
}

void write_metrics(const std::vector<EpochMetrics>& history, const std::filesystem::path& file) {
  std::string lines;
  for (const EpochMetrics& m : history) {
    lines += ordered_json{{"epoch", m.epoch},
                          {"train_loss", m.train_loss},
                          {"train_accuracy", m.train_accuracy},
                          {"val_loss", m.val_loss},
                          {"val_accuracy", m.val_accuracy},
                          {"lr", m.lr},
                          {"seconds", m.seconds},
                          {"images_per_second", m.images_per_second}}
                 .dump() +
             "\n";
  }
  write_file(file, lines);
}

std::vector<EpochCurve> read_metrics(const std::filesystem::path& file) {
  std::vector<EpochCurve> curves;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto j = ordered_json::parse(line, nullptr, false);
    if (j.is_discarded()) continue;
    curves.push_back({j.value("epoch", 0), j.value("train_loss", 0.0),
                      j.value("train_accuracy", 0.0), j.value("val_loss", 0.0),
                      j.value("val_accuracy", 0.0)});
  }
  return curves;
}

std::string model_metadata(const Prepared& prepared, const TrainOutcome& training) {
  const FileInfo& info = prepared.model.info();
  const EpochMetrics& best = training.history.at(training.best);
  const auto input = to_json(info.input);
  ordered_json metadata = {{"classes", prepared.dataset.classes}};
  for (const char* key : {"input_size", "resize", "interpolation", "mean", "std"}) {
    metadata[key] = input.at(key);
  }
  metadata["backbone"] = prepared.experiment.options.backbone.file.filename().string();
  metadata["source"] = info.source;
  metadata["licence"] = info.licence;
  metadata["freeze"] = prepared.model.frozen_layers();
  metadata["metrics"] = {
      {"epoch", best.epoch}, {"val_loss", best.val_loss}, {"val_accuracy", best.val_accuracy}};
  metadata["version"] = version();
  return metadata.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ReportInput report_input(const Prepared& prepared, const TrainOutcome& training,
                         const RunFolder& folder, Split split,
                         const std::vector<Prediction>& predictions) {
  const Experiment& options = prepared.experiment.options;
  const Totals totals = prepared.model.totals();
  double seconds = 0;
  for (const EpochMetrics& epoch : training.history)
    seconds += epoch.seconds;
  ReportInput input;
  input.title = folder.path.filename().string();
  input.split = name(split);
  input.classes = prepared.dataset.classes;
  input.predictions = predictions;
  input.curves = read_metrics(folder.metrics());
  input.data_root = prepared.dataset.root;
  input.facts = {
      {"Backbone", options.backbone.file.filename().string()},
      {"Frozen layers",
       str(prepared.model.frozen_layers(), " of ", prepared.model.layers().size())},
      {"Parameters", str(thousands(totals.all), ", ", thousands(totals.trainable), " trainable")},
      {"Data", prepared.dataset.root.string()},
      {"Training images", prepared.dataset.indices(Split::train).size()},
      {"Best epoch", str(training.history[training.best].epoch, " of ", training.history.size())},
      {"Training time", fixed(seconds, 1) + " s"},
      {"Device", device_name(prepared.device)},
      {"Version", version()}};
  return input;
}

}  // namespace tl
