// tl-train: fine-tunes a backbone on an image folder, as a config says.
#include "cli/console.h"
#include "cli/live.h"
#include "cli/program.h"
#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/signals.h"
#include "tl/base/text.h"
#include "tl/eval/report.h"
#include "tl/model/backbone_input.h"
#include "tl/run/experiment.h"
#include "tl/run/subject.h"

#include <iostream>

namespace tl {
namespace {

struct TrainCommand {
  std::string config;
  std::vector<std::string> overrides;
  std::string output;
  std::string device;
  bool resume = false;
  bool force = false;
  bool finish = false;
  bool dry_run = false;

  void define(CLI::App& app);
  int run(const CommonOptions& common) const;

 private:
  RunFolder folder() const;
  int report_finished(const RunFolder& folder, const CommonOptions& common) const;
  void warn_of(const Prepared& prepared) const;
};

void TrainCommand::define(CLI::App& app) {
  app.add_option("--config", config, "The experiment, a JSON file")->required();
  app.add_option("--set", overrides,
                 "KEY=JSON: overrides a key of the config, e.g. train.epochs=20")
      ->allow_extra_args(false);
  app.add_option("--output", output, "The run folder (default: runs/NAME of the config)");
  app.add_option("--device", device, "auto, cpu, cuda or cuda:N (default: the config's)");
  auto* resume_flag = app.add_flag("--resume", resume, "Go on with the run in the folder, if any");
  auto* force_flag = app.add_flag("--force", force, "Replace the run in the folder");
  app.add_flag(
         "--finish", finish,
         "Train no further: model and report from the best epoch so far; --resume still goes on")
      ->excludes(resume_flag)
      ->excludes(force_flag);
  force_flag->excludes(resume_flag);
  app.add_flag("--dry-run", dry_run, "Check everything, train nothing, print config and model");
}

RunFolder TrainCommand::folder() const {
  if (!output.empty()) return run_folder_at(output);
  return run_folder_at("runs" / std::filesystem::path(config).stem());
}

int print_dry_run(const Prepared& prepared, const CommonOptions& common) {
  const auto& model = prepared.model;
  if (common.json) {
    print_json({{"config", prepared.experiment.resolved},
                {"layers", model.layers().size()},
                {"frozen_layers", model.frozen_layers()},
                {"parameters", totals_json(model.totals())}});
    return 0;
  }
  std::cout << prepared.experiment.resolved.dump(2) << "\n\n"
            << layer_table(model.layers(), model.totals(), model.frozen_layers());
  return 0;
}

void print_outcome(const ExperimentOutcome& outcome, const RunFolder& folder,
                   const CommonOptions& common) {
  const EpochMetrics& best = outcome.training.history.at(outcome.training.best);
  if (common.json) {
    auto result = metrics_to_json(*outcome.metrics, split_name(outcome.split));
    result["best_epoch"] = best.epoch;
    result["val_accuracy"] = best.val_accuracy;
    result["run"] = folder.path.string();
    print_json(result);
    return;
  }
  const std::string epoch = str("best epoch ", best.epoch, " of ", outcome.training.history.size());
  std::cout << (best.epoch == 0 ? "exact head" : epoch) << ": val accuracy "
            << fixed(best.val_accuracy, 4) << "\n"
            << metrics_text(*outcome.metrics, split_name(outcome.split)) << "\n"
            << "model:  " << folder.model().string() << "\n"
            << "report: " << (folder.path / "report.html").string() << "\n";
}

int TrainCommand::report_finished(const RunFolder& run, const CommonOptions& common) const {
  log::info("this run is finished already: " + run.path.string());
  const auto report = nlohmann::ordered_json::parse(read_file(run.report(), ExitCode::usage));
  if (common.json) {
    print_json(report);
  } else {
    std::cout << report.at("split").get<std::string>() << ": accuracy "
              << fixed(report.at("top1").get<double>(), 4) << "\n";
  }
  return 0;
}

// scripts/export_backbone --random says so in the file.
void warn_of_random_weights(const Model& model) {
  const std::string& source = model.info().source;
  if (source.find("random weights") == source.npos || model.frozen_layers() == 0) return;
  log::warn(str("the backbone's weights are random (", source, "), and ", model.frozen_layers(),
                " of its ", model.layers().size(),
                " layers are frozen: they will never learn anything (backbone.freeze)"));
}

// What is frozen behind the last cut is run again at each step.
void warn_of_missing_cut(const Model& model) {
  const auto& layers = model.layers();
  const auto k = static_cast<std::size_t>(model.frozen_layers());
  if (k == 0 || k == layers.size() || layers[k - 1].cut_after) return;
  std::size_t before = k;
  while (before > 0 && !layers[before - 1].cut_after)
    --before;
  std::size_t after = k;
  while (after < layers.size() && !layers[after].cut_after)
    ++after;
  const auto number = [](std::size_t place) { return str("layer ", place); };
  std::string cuts = before > 0 ? number(before) : "";
  if (after < layers.size()) cuts += str(cuts.empty() ? "" : " and ", number(after + 1));
  const bool reads_depths = model.head_inputs().size() > 1;
  log::warn(str("the network can't be cut behind layer ", k,
                ", so frozen layers are run again at each ", "step (backbone.freeze)",
                reads_depths ? "; the head gets features of layers in front of it (head.inputs)"
                             : "; it can be cut behind " + cuts));
}

void TrainCommand::warn_of(const Prepared& prepared) const {
  if (prepared.model.info().input_is_assumed) warn_of_assumed_input();
  warn_of_random_weights(prepared.model);
  warn_of_missing_cut(prepared.model);
  warn_of_skipped(prepared.dataset, "skipped.csv");
  warn_of_faults(prepared.dataset, prepared.model.info().input);
}

int TrainCommand::run(const CommonOptions& common) const {
  install_stop_signals();
  LoadedExperiment experiment = load_experiment(config, overrides, input_of_backbone);
  if (!device.empty()) experiment.resolved["device"] = experiment.options.device = device;
  const RunFolder run = folder();
  const ExistingRun existing = resume   ? ExistingRun::resume
                               : force  ? ExistingRun::replace
                               : finish ? ExistingRun::finish
                                        : ExistingRun::refuse;
  if (!dry_run) check_run_folder(run, existing, experiment);
  if (!dry_run && (resume || finish) && is_done(run, experiment))
    return report_finished(run, common);

  const bool live = common.draws_progress();
  const bool goes_on = (resume || finish) && run.holds_a_run() && !dry_run;
  std::optional<Prefix> first;
  const auto meanwhile = [&](const Checking& checking) {
    if (!dry_run) first.emplace(first_prefix(checking));
  };
  if (dry_run) experiment.options.data.ram_gb = 0;  // no image will be needed again
  Prepared prepared = prepare(experiment, goes_on ? std::optional(run.split()) : std::nullopt,
                              stop_requested, progress_bar("checking", live), meanwhile);
  warn_of(prepared);
  if (dry_run) return print_dry_run(prepared, common);

  log::info("training in " + run.path.string() + "\n" + plan_text(prepared));
  const bool exact = experiment.options.head.fit == HeadFit::exact;
  ConsoleObserver observer(exact ? 0 : experiment.options.train.epochs, live);
  const ExperimentOutcome outcome =
      run_experiment(prepared, std::move(first), run, existing, stop_requested, observer,
                     [&](const std::string& label) { return progress_bar(label, live); });
  if (!outcome.metrics) {
    log::warn("stopped after saving; run the same command with --resume");
    return static_cast<int>(ExitCode::interrupted);
  }
  print_outcome(outcome, run, common);
  return 0;
}

}  // namespace
}  // namespace tl

int main(int argc, char** argv) {
  tl::TrainCommand command;
  return tl::run_program(
      "Fine-tunes a TorchScript backbone on a folder of images.", argc, argv,
      [&](CLI::App& app) { command.define(app); },
      [&](const tl::CommonOptions& common) { return command.run(common); });
}
