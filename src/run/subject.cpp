#include "tl/run/subject.h"

#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/plain_text.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"

#include <map>
#include <sstream>

namespace tl {
namespace {

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::istringstream in(without_byte_order_mark(read_file(file, ExitCode::usage)));
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty())
    lines.pop_back();
  return lines;
}

// One name twice would hide one class behind the other.
void require_distinct(const std::vector<std::string>& classes, const std::filesystem::path& file) {
  std::map<std::string, std::size_t> line_of;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const auto [first, is_new] = line_of.emplace(classes[i], i + 1);
    if (is_new) continue;
    throw Error(ExitCode::usage,
                str("the class name \"", classes[i], "\" stands in line ", first->second,
                    " and in line ", i + 1),
                file.string(), "give each class a name of its own");
  }
}

std::filesystem::path model_file(const std::filesystem::path& run_or_model) {
  std::error_code error;
  const auto status = std::filesystem::status(run_or_model, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw Error(ExitCode::model, "there is no such file or folder", run_or_model.string(),
                "give the folder of a run that tl-train wrote, or a TorchScript file");
  }
  if (status.type() != std::filesystem::file_type::directory) return run_or_model;
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

}  // namespace

void warn_of_assumed_input() {
  log::warn(
      "the model file does not say how it wants its images; ImageNet's convention is assumed "
      "(a NAME.json beside the file, or backbone.input in a config, says otherwise)");
}

Subject open_subject(const std::filesystem::path& run_or_model,
                     const std::filesystem::path& classes_file) {
  const auto file = model_file(run_or_model);
  Subject subject{Model::load(file), {}, std::nullopt, !classes_file.empty()};
  if (std::filesystem::is_directory(run_or_model)) subject.run = run_folder_at(run_or_model);
  if (subject.model.info().input_is_assumed) warn_of_assumed_input();
  subject.classes = classes_file.empty() ? subject.model.info().classes : read_lines(classes_file);
  if (!classes_file.empty()) require_distinct(subject.classes, classes_file);
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

}  // namespace tl
