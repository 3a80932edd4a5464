// tl-eval: judges a run, or any classifier, on labelled images.
#include "cli/console.h"
#include "cli/live.h"
#include "cli/program.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/eval/report.h"
#include "tl/run/classify.h"
#include "tl/run/device.h"
#include "tl/run/evaluation.h"

#include <iostream>

namespace tl {
namespace {

struct EvalCommand {
  std::string subject;
  std::string data;
  std::string split;
  std::string classes;
  std::string output;
  std::string device = "auto";
  int batch_size = 32;

  void define(CLI::App& app);
  int run(const CommonOptions& common) const;
};

void EvalCommand::define(CLI::App& app) {
  app.add_option("RUN_OR_MODEL", subject, "A run folder, or a TorchScript classifier")->required();
  app.add_option("--data", data, "A folder of class folders (default: the run's own data)");
  app.add_option("--split", split, "train, val, test or all (default: test, else val)")
      ->check(CLI::IsMember({"train", "val", "test", "all"}));
  app.add_option("--classes", classes, "Class names, one a line, for a classifier without them");
  app.add_option(
      "--output", output,
      "Folder for the report files (default: the run folder, or for other images or another "
      "split eval-NAME inside; none for a model file)");
  app.add_option("--device", device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--batch-size", batch_size, "Images computed at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
}

int EvalCommand::run(const CommonOptions& common) const {
  const c10::Device where = choose_device(device);
  Subject judged = open_subject(subject, classes);
  judged.model.to(where);
  const EvaluationData chosen = open_evaluation_data(judged, data, split);
  warn_of_skipped(chosen.dataset);
  const auto folder = report_folder(judged, chosen, output);
  if (folder) make_writable_folder(*folder);

  const auto predictions =
      classify(Classifier(judged.model), *make_objective({}, chosen.dataset), chosen.dataset,
               chosen.samples, {judged.model.info().input, batch_size, worker_count(0)},
               progress_bar("evaluating", common.draws_progress()));
  const Metrics metrics = compute_metrics(predictions, judged.classes);
  if (folder) write_evaluation(judged, chosen, predictions, metrics, device_name(where), *folder);
  if (common.json) {
    auto result = metrics_to_json(metrics, chosen.split);
    if (chosen.trained_on) result["trained_on"] = *chosen.trained_on;
    print_json(result);
  } else {
    std::cout << metrics_text(metrics, chosen.split);
    if (folder) std::cout << "\nreport: " << (*folder / "report.html").string() << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace tl

int main(int argc, char** argv) {
  tl::EvalCommand command;
  return tl::run_program(
      "Judges a run or a classifier on labelled images.", argc, argv,
      [&](CLI::App& app) { command.define(app); },
      [&](const tl::CommonOptions& common) { return command.run(common); });
}
