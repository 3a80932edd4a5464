// tl-inspect: the layers of a network, or the state of a data set.
#include "cli/console.h"
#include "cli/program.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/run/device.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace tl {
namespace {

using nlohmann::ordered_json;

struct InspectCommand {
  std::string file;
  std::string freeze;

  void define(CLI::App& app) {
    app.add_option("MODEL", file, "A TorchScript file")->required();
    app.add_option("--freeze", freeze, "Show this choice: K, a layer's name, all or none");
  }

  int run(const CommonOptions& common) const;

 private:
  int frozen_layers(Model& model) const;
};

Freeze parse_freeze(const std::string& text) {
  if (text == "all") return FreezeWord::all;
  if (text == "none") return FreezeWord::none;
  if (text.find_first_not_of("0123456789") != std::string::npos) return text;
  try {
    return std::stoi(text);
  } catch (const std::out_of_range&) {
    throw Error(ExitCode::usage, str("no network has ", text, " layers"), "--freeze");
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
  const Totals totals = model.totals();
  return {{"layers", layers},
          {"parameters",
           {{"all", totals.all}, {"trainable", totals.trainable}, {"frozen", totals.frozen}}},
          {"outputs", model.outputs()},
          {"input", to_json(model.info().input)},
          {"classes", model.info().classes},
          {"source", model.info().source}};
}

int InspectCommand::run(const CommonOptions& common) const {
  Model model = Model::load(file);
  if (!freeze.empty()) model.freeze(parse_freeze(freeze));
  if (common.json) {
    std::cout << to_json(model).dump() << "\n";
    return 0;
  }
  const InputSpec& input = model.info().input;
  std::cout << "  " << file << "\n"
            << "  input " << input.width << " x " << input.height << ", shorter side to "
            << input.resize << (model.info().input_is_assumed ? " (assumed)" : "") << "; "
            << count(model.outputs(), "output") << ", "
            << count(static_cast<std::int64_t>(model.info().classes.size()), "class name", "class names")
            << "\n\n"
            << layer_table(model.layers(), model.totals(), freeze.empty() ? -1 : model.frozen_layers());
  return 0;
}

}  // namespace
}  // namespace tl

int main(int argc, char** argv) {
  tl::InspectCommand command;
  return tl::run_program(
      "Lists the layers of a TorchScript network and where it can be cut.", argc, argv,
      [&](CLI::App& app) { command.define(app); },
      [&](const tl::CommonOptions& common) { return command.run(common); });
}
