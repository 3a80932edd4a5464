#include "tl/run/subject.h"

#include "run/run_writer.h"
#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"
#include "tl/base/version.h"
#include "tl/config/load.h"
#include "tl/run/device.h"

#include <numeric>
#include <sstream>

namespace tl {
namespace {

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::istringstream in(read_file(file, ExitCode::usage));
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty())
    lines.pop_back();
  return lines;
}

std::filesystem::path model_file(const std::filesystem::path& run_or_model) {
  if (!std::filesystem::is_directory(run_or_model)) return run_or_model;
  const RunFolder run{run_or_model};
  if (!run.holds_a_run()) {
    throw Error(ExitCode::usage, "this folder is no run", run_or_model.string(),
                "give the folder that tl-train wrote, or a model file");
  }
  if (!std::filesystem::exists(run.model())) {
    throw Refusal(ExitCode::usage, "this run is not finished: it has no model.pt",
                  run_or_model.string(), "let tl-train go on with it", {Remedy::resume});
  }
  return run.model();
}

std::filesystem::path data_root_of(const RunFolder& run) {
  return load_experiment(run.config(), {}).options.data.root;
}

}  // namespace

void warn_of_assumed_input() {
  log::warn(
      "the model file does not say how it wants its images; ImageNet's convention is assumed "
      "(a NAME.json beside the file, or backbone.input in a config, says otherwise)");
}

Subject open_subject(const std::filesystem::path& run_or_model,
                     const std::filesystem::path& classes_file) {
  const auto file = model_file(run_or_model);
  Subject subject{Model::load(file), {}, std::nullopt};
  if (std::filesystem::is_directory(run_or_model)) subject.run = run_folder_at(run_or_model);
  if (subject.model.info().input_is_assumed) warn_of_assumed_input();
  subject.classes = classes_file.empty() ? subject.model.info().classes : read_lines(classes_file);
  if (subject.classes.empty()) {
    throw Refusal(
        ExitCode::model, "the classifier does not say what its classes are", file.string(),
        "give a file of class names, a line for each output in their order", {Remedy::classes});
  }
  if (static_cast<std::int64_t>(subject.classes.size()) != subject.model.outputs()) {
    throw Error(ExitCode::model,
                str(count(std::ssize(subject.classes), "class name"), " for ",
                    count(subject.model.outputs(), "output")),
                classes_file.empty() ? file.string() : classes_file.string(),
                "give one name for each output of the classifier");
  }
  return subject;
}

EvaluationData open_evaluation_data(const Subject& subject, const std::filesystem::path& data,
                                    const std::string& split) {
  EvaluationData chosen;
  if (!data.empty()) {
    chosen.dataset = open_evaluation_folder(data, subject.classes, BadImage::skip, worker_count(0));
  } else if (subject.run) {
    chosen.dataset = read_split_csv(subject.run->split(), data_root_of(*subject.run));
  } else {
    throw Refusal(ExitCode::usage, "a model file comes without data", "",
                  "give a folder of class folders", {Remedy::data});
  }
  const bool has_splits = chosen.dataset.has_own_splits || data.empty();
  for (const Split candidate : {Split::test, Split::val, Split::train}) {
    if (!split.empty() ? split != name(candidate) : candidate == Split::train) continue;
    chosen.samples = chosen.dataset.indices(candidate);
    chosen.name = name(candidate);
    if (!chosen.samples.empty()) break;
  }
  if (split == "all" || (split.empty() && (!has_splits || chosen.samples.empty()))) {
    chosen.samples.resize(chosen.dataset.samples.size());
    std::iota(chosen.samples.begin(), chosen.samples.end(), std::size_t{0});
    chosen.name = "all";
  }
  if (chosen.samples.empty()) {
    throw Refusal(ExitCode::data, str("there are no images in split ", split),
                  chosen.dataset.root.string(), "take another split", {Remedy::split});
  }
  if (split.empty() && chosen.name != "test") {
    log::info(str("there is no test split; judging on ", chosen.name));
  }
  return chosen;
}

ReportInput evaluation_report(const Subject& subject, const EvaluationData& data,
                              const std::vector<Prediction>& predictions,
                              const std::string& device) {
  ReportInput input;
  input.title = subject.run ? subject.run->path.filename().string() : subject.model.info().source;
  if (input.title.empty()) input.title = "Evaluation";
  input.split = data.name;
  input.classes = subject.classes;
  input.predictions = predictions;
  if (subject.run) input.history = read_metrics(subject.run->metrics());
  input.data_root = data.dataset.root;
  input.facts = {{"Data", data.dataset.root.string()},
                 {"Split", data.name},
                 {"Parameters", thousands(subject.model.totals().all)},
                 {"Device", device},
                 {"Version", version()}};
  return input;
}

}  // namespace tl
