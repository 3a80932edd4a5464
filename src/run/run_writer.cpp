#include "run/run_writer.h"

#include "run/environment.h"
#include "run/run_split.h"
#include "tl/base/files.h"
#include "tl/base/json.h"
#include "tl/base/text.h"
#include "tl/base/version.h"
#include "tl/data/faults.h"
#include "tl/run/device.h"
#include "tl/run/facts.h"

#include <fstream>

namespace tl {
namespace {

using nlohmann::ordered_json;

// One JSON object a line.
void write_metrics(const std::vector<EpochMetrics>& history, const std::filesystem::path& file) {
  std::string lines;
  for (const EpochMetrics& epoch : history)
    lines += epoch_json(epoch).dump() + "\n";
  write_file(file, lines);
}

// tl/model.json.
std::string model_metadata(const Prepared& prepared, const EpochMetrics& best) {
  const FileInfo& info = prepared.model.info();
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
  return dumped(metadata);
}

ordered_json score_json(const PenaltyScore& score) {
  return {{"penalty", score.penalty}, {"log_loss", score.log_loss}};
}

ordered_json exact_fit_json(const ExactFit& fit) {
  ordered_json tried = ordered_json::array();
  for (const InputScore& score : fit.tried) {
    ordered_json path = ordered_json::array();
    for (const PenaltyScore& step : score.path)
      path.push_back(score_json(step));
    tried.push_back({{"layers", score.layers},
                     {"features", score.columns},
                     {"best", score_json(score.best)},
                     {"path", path}});
  }
  return {{"images", fit.images},
          {"rows", fit.rows},
          {"folds", fit.folds},
          {"chosen", fit.chosen},
          {"tried", tried}};
}

// For the report's page.
ordered_json facts(const Prepared& prepared, const std::vector<EpochMetrics>& history,
                   const EpochMetrics& best) {
  const Experiment& options = prepared.experiment.options;
  const Totals totals = prepared.model.without_idle_inputs().totals();
  double seconds = 0;
  for (const EpochMetrics& epoch : history)
    seconds += epoch.seconds;
  ordered_json facts = {
      {"Backbone", options.backbone.file.filename().string()},
      {"Frozen layers",
       str(prepared.model.frozen_layers(), " of ", prepared.model.layers().size())},
      {"Parameters", str(thousands(totals.all), ", ", thousands(totals.trainable), " trainable")},
      {"Data", prepared.dataset.root.string()},
      {"Training images", prepared.dataset.indices(Split::train).size()}};
  for (const auto& [name, text] : training_facts(options))
    facts[name] = text;
  if (best.epoch > 0) facts["Best epoch"] = str(best.epoch, " of ", history.size());
  facts["Training time"] = fixed(seconds, 1) + " s";
  facts["Device"] = device_name(prepared.device);
  facts["Date"] = now_text();
  facts["Version"] = version();
  return facts;
}

}  // namespace

void RunWriter::begin() const {
  std::filesystem::remove(folder_.report());    // first: without it no run counts as finished
  if (std::filesystem::exists(folder_.path)) {  // it may be the working directory: empty it
    for (const auto& old : std::filesystem::directory_iterator(folder_.path)) {
      if (!folder_.is_marker(old)) std::filesystem::remove_all(old);
    }
  }
  make_writable_folder(folder_.checkpoints());
  std::filesystem::remove(folder_.config());  // until it is there again, no run stands here
  write_split_csv(prepared_.dataset, folder_.split());
  write_contents_csv(prepared_.dataset, folder_.contents());
  write_skipped_csv(prepared_.dataset, folder_.skipped());
  write_faults_csv(prepared_.dataset, find_faults(prepared_.dataset, prepared_.model.info().input),
                   folder_.faults());
  write_environment(prepared_, folder_.environment());
  write_config();
}

void RunWriter::write_config() const {
  write_file(folder_.config(), dumped(prepared_.experiment.resolved, 2) + "\n");
}

void RunWriter::resume() const {
  compare_environment(prepared_, folder_.environment());
  remove_temporary_files(folder_.path);
  remove_temporary_files(folder_.checkpoints());
  if (!std::filesystem::exists(folder_.contents())) {  // an older version began it
    write_contents_csv(prepared_.dataset, folder_.contents());
  }
  if (resolved_config(folder_) == prepared_.experiment.resolved) return;
  if (folder_.is_finished()) write_file(folder_.unfinished(), "epochs are left to train\n");
  write_config();
}

void RunWriter::record(const std::vector<EpochMetrics>& history, std::size_t best) {
  history_ = history;
  best_ = best;
  write_metrics(history, folder_.metrics());
}

void RunWriter::on_epoch(const std::vector<EpochMetrics>& history, std::size_t best) {
  record(history, best);
  next_.on_epoch(history, best);
}

void RunWriter::on_exact_fit(const ExactFit& fit) {
  write_file(folder_.exact_head(), dumped(exact_fit_json(fit), 2) + "\n");
  next_.on_exact_fit(fit);
}

void RunWriter::end_training(const TrainOutcome& training) {
  if (!training.history.empty()) record(training.history, training.best);
  if (training.end == TrainEnd::interrupted) return;
  epochs_left_ = training.end == TrainEnd::on_request;
  if (epochs_left_) write_file(folder_.unfinished(), "epochs are left to train\n");
  prepared_.model.without_idle_inputs().save(folder_.model(),
                                             model_metadata(prepared_, history_.at(best_)));
}

void RunWriter::write_report(Split split, const std::vector<Prediction>& predictions,
                             const Metrics& metrics) const {
  ReportInput input;
  input.title = folder_.path.filename().string();
  input.split = split_name(split);
  input.classes = prepared_.dataset.classes;
  input.predictions = predictions;
  input.history = history_;
  input.data_root = prepared_.dataset.root;
  input.facts = facts(prepared_, history_, history_.at(best_));
  input.faults = faults_of(folder_);
  tl::write_report(input, metrics, folder_.path);
  if (!epochs_left_) std::filesystem::remove(folder_.unfinished());
}

ordered_json faults_of(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.faults())) return {};  // an older version began the run
  return to_json(read_faults_csv(folder.faults()));
}

std::vector<EpochMetrics> read_metrics(const std::filesystem::path& file) {
  std::vector<EpochMetrics> history;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto j = ordered_json::parse(line, nullptr, false);
    if (j.is_object() && j.contains("epoch")) history.push_back(read_epoch(j));
  }
  return history;
}

}  // namespace tl
