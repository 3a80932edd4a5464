#include "tl/run/evaluation.h"

#include "run/run_split.h"
#include "run/run_writer.h"
#include "tl/base/csv.h"
#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"
#include "tl/base/version.h"
#include "tl/run/device.h"
#include "tl/run/facts.h"

#include <algorithm>
#include <array>

namespace tl {
namespace {

namespace fs = std::filesystem;

using SplitOfEach = std::vector<std::optional<Split>>;

Dataset run_dataset(const Subject& subject) {
  if (!subject.run) {
    throw Refusal(ExitCode::usage, "a model file comes without data", "",
                  "give a folder of class folders", {Remedy::data});
  }
  const fs::path root = load_experiment(subject.run->config(), {}).options.data.root;
  if (!fs::is_directory(root)) {
    throw Refusal(ExitCode::data, "the run's own data is not where it was", root.string(),
                  "say where it lies now: the split is found again by the images' content",
                  {Remedy::data});
  }
  return read_split_csv(subject.run->split(), root);
}

SplitOfEach in_run(const Subject& subject, const Dataset& dataset) {
  if (!subject.run) return {};
  if (!fs::exists(subject.run->contents())) {
    log::warn("this run did not keep its images' digests: it is not known which it was trained on");
    return {};
  }
  const RunSplit run(*subject.run);
  SplitOfEach splits;
  for (const Sample& sample : dataset.samples)
    splits.push_back(run.of(sample));
  return splits;
}

// Of each sample the split that may be asked for; none where there is no way to tell.
SplitOfEach splits_of(const EvaluationData& data, bool other) {
  if (other && !data.dataset.has_own_splits) {
    return data.in_run.empty() ? SplitOfEach(data.dataset.samples.size()) : data.in_run;
  }
  SplitOfEach splits;
  for (const Sample& sample : data.dataset.samples)
    splits.emplace_back(sample.split);
  return splits;
}

bool has(const SplitOfEach& splits, std::optional<Split> wanted) {
  return std::find(splits.begin(), splits.end(), wanted) != splits.end();
}

// What "" means.
std::string usual_split(const SplitOfEach& splits) {
  if (has(splits, std::nullopt)) return "all";
  for (const Split split : {Split::test, Split::val}) {
    if (has(splits, split)) return split_name(split);
  }
  return "all";
}

void choose(EvaluationData& data, const SplitOfEach& splits) {
  for (std::size_t i = 0; i < splits.size(); ++i) {
    if (data.split == "all" || (splits[i] && data.split == split_name(*splits[i]))) {
      data.samples.push_back(i);
    }
  }
  if (!data.samples.empty()) return;
  throw Refusal(ExitCode::data,
                str("there are no images in split ", data.split,
                    has(splits, std::nullopt) ? ": neither folders nor a run say which are" : ""),
                data.dataset.root.string(), "take another split, or all", {Remedy::split});
}

std::string split_in_run(const std::optional<Split>& split) {
  return split ? split_name(*split) : "new";
}

std::int64_t count_trained_on(const Subject& subject, const EvaluationData& data) {
  const bool val_too = subject.run && load_experiment(subject.run->config(), {}).options.head.refit;
  return std::count_if(data.samples.begin(), data.samples.end(), [&](std::size_t i) {
    const std::optional<Split> split =
        data.in_run.empty() ? data.dataset.samples[i].split : data.in_run[i];
    return split == Split::train || (val_too && split == Split::val);
  });
}

void say_what_was_trained_on(const EvaluationData& data) {
  if (!data.trained_on) return;
  const std::string text = str("the run was trained on ", thousands(*data.trained_on), " of the ",
                               count(std::ssize(data.samples), "image"), " judged");
  *data.trained_on > 0 ? log::warn(text) : log::info(text);
  if (data.samples.size() == data.dataset.samples.size()) return;
  if (data.in_run.empty() || data.dataset.has_own_splits) return;
  std::string parts;
  for (const std::optional<Split> split : {std::optional(Split::train), std::optional(Split::val),
                                           std::optional(Split::test), std::optional<Split>()}) {
    const auto images = std::count(data.in_run.begin(), data.in_run.end(), split);
    parts += str(parts.empty() ? "" : ", ", thousands(images), " ", split_in_run(split));
  }
  log::warn(str("judged: ", thousands(std::ssize(data.samples)), " of ",
                count(std::ssize(data.dataset.samples), "image"), ", those of the run's ",
                data.split, " split (of the folder's images, told by their content, the run had ",
                parts, "); the split \"all\" is all of them"));
}

}  // namespace

EvaluationData open_evaluation_data(const Subject& subject, const fs::path& data,
                                    const std::string& split) {
  EvaluationData chosen;
  const bool other = !data.empty();
  chosen.dataset =
      other ? open_evaluation_folder(data, subject.classes, BadImage::skip, {worker_count(0)})
            : run_dataset(subject);
  if (other) chosen.in_run = in_run(subject, chosen.dataset);
  const SplitOfEach splits = splits_of(chosen, other);
  const std::string usual = usual_split(splits);
  chosen.split = split.empty() ? usual : split;
  choose(chosen, splits);
  const bool of_run = !other && chosen.split == usual && !subject.renamed;
  if (!of_run) chosen.name = chosen.split;
  if (other) chosen.name += "-" + run_folder_at(data).path.filename().string();
  if (split.empty() && usual != "test") {
    log::info(str("there is no test split; judging on ", usual == "all" ? "all images" : usual));
  }
  if (!other || !chosen.in_run.empty()) chosen.trained_on = count_trained_on(subject, chosen);
  say_what_was_trained_on(chosen);
  return chosen;
}

std::optional<fs::path> report_folder(const Subject& subject, const EvaluationData& data,
                                      const fs::path& output) {
  if (output.empty()) {
    if (!subject.run) return std::nullopt;
    return data.name.empty() ? subject.run->path : subject.run->path / ("eval-" + data.name);
  }
  const bool own = subject.run && data.name.empty() && fs::exists(output) &&
                   fs::equivalent(output, subject.run->path);
  if (!own && run_folder_at(output).holds_a_run()) {
    throw Refusal(ExitCode::usage, "this would replace the report of a run", output.string(),
                  "give another folder", {Remedy::output});
  }
  return output;
}

namespace {

// What the run's own report says of it; an older version's says nothing.
nlohmann::ordered_json run_facts(const RunFolder& run) {
  if (!fs::exists(run.report())) return {};
  const auto report =
      nlohmann::ordered_json::parse(read_file(run.report(), ExitCode::usage), nullptr, false);
  return report.is_object() ? report.value("run", nlohmann::ordered_json()) : report;
}

// For the report's page.
nlohmann::ordered_json facts(const Subject& subject, const EvaluationData& data,
                             const std::string& device) {
  nlohmann::ordered_json facts;
  if (subject.run) facts = run_facts(*subject.run);
  if (!facts.is_object()) facts = {{"Parameters", thousands(subject.model.totals().all)}};
  facts["Data"] = data.dataset.root.string();
  facts["Split"] = data.split;
  facts["Device"] = device;
  facts["Date"] = now_text();
  facts["Version"] = version();
  return facts;
}

}  // namespace

void write_evaluation(const Subject& subject, const EvaluationData& data,
                      const std::vector<Prediction>& predictions, const Metrics& metrics,
                      const std::string& device, const fs::path& folder) {
  ReportInput input;
  input.title = subject.run ? subject.run->path.filename().string() : subject.model.info().source;
  if (input.title.empty()) input.title = "Evaluation";
  input.split = data.split;
  input.classes = subject.classes;
  input.predictions = predictions;
  if (subject.run) input.history = read_metrics(subject.run->metrics());
  if (subject.run && data.name.empty()) input.faults = faults_of(*subject.run);
  input.data_root = data.dataset.root;
  input.facts = facts(subject, data, device);
  write_report(input, metrics, folder);
  if (data.in_run.empty()) return;
  std::string text = csv_line({"path", "class", "split"});
  for (const std::size_t i : data.samples) {
    const Sample& sample = data.dataset.samples[i];
    text += csv_line({sample.path, subject.classes[sample.label], split_in_run(data.in_run[i])});
  }
  write_file(folder / "split.csv", text);
}

}  // namespace tl
