// tl-inspect: the layers of a network, or the state of a data set.
#include "cli/console.h"
#include "cli/live.h"
#include "cli/program.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/data/dataset.h"
#include "tl/data/faults.h"
#include "tl/model/model.h"
#include "tl/run/device.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <optional>

namespace tl {
namespace {

using nlohmann::ordered_json;

struct InspectCommand {
  std::string file;
  std::string freeze;
  std::string data;

  void define(CLI::App& app) {
    app.add_option("MODEL", file, "A TorchScript file");
    app.add_option("--freeze", freeze,
                   "Show this choice: K, the name of a layer or block, all or none");
    app.add_option("--data", data, "Check this data set: classes, counts, faults, unusable images");
  }

  int run(const CommonOptions& common) const;
};

Freeze parse_freeze(const std::string& text) {
  if (text == "all") return FreezeWord::all;
  if (text == "none") return FreezeWord::none;
  if (text.find_first_not_of("0123456789") != std::string::npos) return text;
  try {
    return std::stoi(text);
  } catch (const std::out_of_range&) {
    throw Error(ExitCode::usage, str("no network has ", text, " layers"), "--freeze",
                "tl-inspect MODEL lists the layers");
  }
}

ordered_json to_json(const Model& model) {
  ordered_json layers = ordered_json::array();
  for (std::size_t i = 0; i < model.layers().size(); ++i) {
    const Layer& layer = model.layers()[i];
    layers.push_back({{"k", i + 1},
                      {"name", layer.name},
                      {"kind", layer.kind},
                      {"output", layer.output},
                      {"parameters", layer.parameters},
                      {"cut", layer.cut_after},
                      {"classifier", layer.classifier},
                      {"frozen", static_cast<int>(i) < model.frozen_layers()}});
  }
  return {{"layers", layers},
          {"parameters", totals_json(model.totals())},
          {"outputs", model.outputs()},
          {"input", to_json(model.info().input)},
          {"classes", model.info().classes},
          {"source", model.info().source}};
}

ordered_json to_json(const Dataset& dataset, const std::vector<Fault>& faults) {
  const auto train = dataset.class_counts(Split::train);
  const auto val = dataset.class_counts(Split::val);
  const auto test = dataset.class_counts(Split::test);
  ordered_json classes = ordered_json::array();
  for (std::size_t i = 0; i < dataset.classes.size(); ++i) {
    classes.push_back(
        {{"name", dataset.classes[i]}, {"train", train[i]}, {"val", val[i]}, {"test", test[i]}});
  }
  return {{"root", dataset.root.string()},        {"images", dataset.samples.size()},
          {"own_splits", dataset.has_own_splits}, {"classes", classes},
          {"skipped", skipped_json(dataset)},     {"faults", to_json(faults)}};
}

std::string model_text(const std::string& file, const Model& model, bool show_frozen) {
  const InputSpec& input = model.info().input;
  const auto names = static_cast<std::int64_t>(model.info().classes.size());
  return str("  ", file, "\n  input ", input.width, " x ", input.height, ", shorter side to ",
             input.resize, model.info().input_is_assumed ? " (assumed)" : "", "; ",
             count(model.outputs(), "output"), ", ", count(names, "class name"), "\n\n",
             layer_table(model.layers(), model.totals(), show_frozen ? model.frozen_layers() : -1));
}

std::string data_text(const Dataset& dataset, const std::vector<Fault>& faults) {
  std::string text =
      str("  ", dataset.root.string(), "\n  ", count(std::ssize(dataset.samples), "image"), ", ",
          dataset.has_own_splits ? "splits of its own" : "split as by default", "\n\n",
          class_table(dataset));
  if (!faults.empty()) text += str("\n  ", count(std::ssize(faults), "fault"), "\n");
  for (const Fault& fault : faults)
    text += str("  ", fault_text(fault), "\n");
  if (dataset.skipped.empty()) return text;
  text += str("\n  ", count(std::ssize(dataset.skipped), "unusable file"), "\n");
  for (const Skipped& file : dataset.skipped)
    text += str("  ", printable(file.path), ": ", file.reason, "\n");
  return text;
}

int InspectCommand::run(const CommonOptions& common) const {
  if (file.empty() && data.empty()) {
    throw Error(ExitCode::usage, "there is nothing to inspect", "the command line",
                "give a MODEL, or --data DIR, or both");
  }
  ordered_json result = ordered_json::object();
  std::string text;
  std::optional<InputSpec> input;
  if (!file.empty()) {
    Model model = Model::load(file);
    if (!freeze.empty()) model.freeze(parse_freeze(freeze));
    result = to_json(model);
    text = model_text(file, model, !freeze.empty());
    input = model.info().input;
  }
  if (!data.empty()) {
    DataOptions options;
    options.root = data;
    const Dataset dataset = inspect_dataset(
        options, 1, {worker_count(0), progress_bar("checking", common.draws_progress())});
    const auto faults = find_faults(dataset, input);
    result["data"] = to_json(dataset, faults);
    text += (text.empty() ? "" : "\n") + data_text(dataset, faults);
  }
  if (common.json) {
    print_json(result);
  } else {
    std::cout << text;
  }
  return 0;
}

}  // namespace
}  // namespace tl

int main(int argc, char** argv) {
  tl::InspectCommand command;
  return tl::run_program(
      "Lists the layers of a TorchScript network and where it can be cut, or checks a data set.",
      argc, argv, [&](CLI::App& app) { command.define(app); },
      [&](const tl::CommonOptions& common) { return command.run(common); });
}
