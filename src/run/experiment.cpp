#include "tl/run/experiment.h"

#include "model/api/compute_threads.h"
#include "run/run_writer.h"
#include "run/sources.h"
#include "run/stages.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/data/alike.h"
#include "tl/data/loader.h"
#include "tl/run/classify.h"
#include "tl/run/device.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>

namespace tl {

namespace {

// With head, frozen, on the device. Other threads check the images meanwhile, so LibTorch takes
// half of the cores: its threads wait for each other, and one that shares its core holds up all.
Model make_model(const Experiment& options, int classes, const c10::Device& device) {
  const ComputeThreads half(std::max(compute_threads() / 2, 1));
  Model model = Model::load(options.backbone.file, options.backbone.input);
  model.attach_head(options.head, classes, options.train.seed);
  model.freeze(options.backbone.freeze);
  if (options.backbone.init == Init::scratch) model.initialise_unfrozen(options.train.seed);
  model.to(device);
  check_cut(model);
  check_stages(options, model);
  if (std::holds_alternative<HeadDepths>(options.head.inputs) &&
      options.head.inputs != HeadInputs(HeadDepths::last) && model.head_inputs().size() == 1) {
    log::warn("head.inputs: this head gets a single layer, " + model.head_inputs()[0].layer);
  }
  return model;
}

struct Finally {
  std::function<void()> action;
  ~Finally() { action(); }
};

}  // namespace

Prepared prepare(const LoadedExperiment& experiment,
                 const std::optional<std::filesystem::path>& split,
                 const std::function<bool()>& stop_requested, const Progress& progress,
                 const std::function<void(const Checking&)>& meanwhile) {
  const Experiment& options = experiment.options;
  const c10::Device where = choose_device(options.device);
  const FileInfo file = read_file_info(options.backbone.file, options.backbone.input);
  const auto images = std::make_shared<ImageCache>(bytes_in_gigabytes(options.data.ram_gb),
                                                   needed_side(file.input, &options.augment));
  Dataset dataset = split ? read_split_csv(*split, options.data.root) : list_dataset(options.data);
  make_objective(options.train.loss, dataset);  // which may refuse, before the images are checked
  const auto classes = static_cast<int>(dataset.classes.size());
  std::vector<std::size_t> groups;
  std::atomic<bool> given_up = false;
  CheckOptions how{worker_count(options.data.workers), progress, {}, images.get()};
  how.stop = [&] { return given_up || (stop_requested && stop_requested()); };
  auto checking = std::async(std::launch::async, [&] {
    if (split) {
      read_contents(dataset, how);
    } else {
      check_dataset(dataset, options.data, options.train.seed, how);
    }
    if (options.head.fit == HeadFit::gradient) return;
    groups = groups_of_alike(dataset, dataset.indices(Split::train), how);
  });
  const Finally give_up{[&] { given_up = true; }};  // before the future waits for the check's end
  Model model = make_model(options, classes, where);
  if (meanwhile) {
    meanwhile({experiment, model, *images, [&] {
                 return checking.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
               }});
  }
  checking.get();
  if (options.head.refit && dataset.indices(Split::test).empty()) {
    throw Error(ExitCode::usage,
                "head.refit learns from the validation images too, and no test images are left to "
                "judge by",
                options.data.root.string(), "set data.test, or head.refit to false");
  }
  auto objective = make_objective(options.train.loss, dataset);
  return {experiment,        std::move(dataset), images, std::move(objective),
          std::move(groups), std::move(model),   where};
}

Prefix first_prefix(const Checking& checking) {
  const LoadedExperiment& experiment = checking.experiment;
  Prefix prefix(checking.model,
                resolve_precision(experiment.options.features.precision, checking.model));
  if (begins_with_stored_features(experiment, checking.model.info(), prefix)) {
    checking.images.close();  // few of them will be needed, or none
  } else if (checking.goes_on()) {
    prefix.prepare();  // otherwise this is done beside the first augmentations
  }
  return prefix;
}

namespace {

// In fp32, as tl-eval does it, whatever training ran in: one model has one score.
std::optional<std::vector<Prediction>> judge(const Prepared& prepared, Sources& sources,
                                             const Stage& best, Split split,
                                             const std::function<bool()>& stop_requested) {
  const Experiment& options = prepared.experiment.options;
  const bool has_prefix =
      resolve_precision(options.features.precision, prepared.model) == Precision::fp32;
  std::optional<Prefix> own;
  if (!has_prefix) own.emplace(prepared.model, Precision::fp32);
  const Trainee trainee(prepared.model, options.backbone.batch_norm, Precision::fp32);
  return classify(*sources.evaluation(split, own ? *own : best.prefix), trainee,
                  *prepared.objective, prepared.dataset, prepared.dataset.indices(split),
                  stop_requested);
}

}  // namespace

ExperimentOutcome run_experiment(Prepared& prepared, std::optional<Prefix> first,
                                 const RunFolder& folder, ExistingRun existing,
                                 const std::function<bool()>& stop_requested,
                                 TrainObserver& observer, const ProgressMaker& progress) {
  const RunLock lock(folder);
  check_run_folder(folder, existing, prepared.experiment);  // another process may have been there
  const bool goes_on = existing != ExistingRun::replace && folder.holds_a_run();
  RunWriter writer(prepared, folder, observer);
  goes_on ? writer.resume() : writer.begin();
  const Dataset& dataset = prepared.dataset;
  Sources sources(prepared, stop_requested, progress);
  Stages stages = stages_of(prepared, sources, first);
  ExperimentOutcome outcome;
  const TrainOptions& options = prepared.experiment.options.train;
  const TrainInputs inputs{
      stages,  *prepared.objective, folder.checkpoints(),
      goes_on, stop_requested,      progress ? progress("fitting") : Progress()};
  outcome.training =
      existing == ExistingRun::finish ? take_best(options, inputs) : train(options, inputs, writer);
  writer.end_training(outcome.training);
  if (outcome.training.end == TrainEnd::interrupted) return outcome;

  outcome.split = dataset.indices(Split::test).empty() ? Split::val : Split::test;
  const auto predictions =
      judge(prepared, sources, stages.current(), outcome.split, stop_requested);
  if (!predictions) return outcome;
  outcome.metrics = compute_metrics(*predictions, dataset.classes);
  writer.write_report(outcome.split, *predictions, *outcome.metrics);
  if (const std::string account = sources.account(); !account.empty()) {
    log::info("kept features: " + account);
  }
  return outcome;
}

}  // namespace tl
