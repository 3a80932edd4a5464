#include "tl/config/load.h"

#include "config/options_json.h"
#include "config/rules.h"
#include "config/strict_json.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/json.h"
#include "tl/base/paths.h"
#include "tl/base/text.h"
#include "tl/config/schema.h"

#include <algorithm>
#include <cmath>

namespace tl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* paths[] = {"/data/root", "/backbone/file", "/features/folder"};

// Relative paths become absolute; absolute ones stay, so that it can be called again after
// overrides and changes only what these brought.
void resolve_paths(Json& config, const fs::path& folder) {
  for (const char* key : paths) {
    const Json::json_pointer place(key);
    if (!config.contains(place) || !config[place].is_string() || config[place] == "") continue;
    fs::path path = short_path(folder / config[place].get<std::string>());
    if (!path.has_filename()) path = path.parent_path();  // no slash at the end
    config[place] = path.string();
  }
}

// config.json must keep each path as it is.
void require_text(const Json& config, const std::string& where) {
  for (const char* key : paths) {
    const Json::json_pointer place(key);
    try {
      if (config.contains(place)) config[place].dump();
    } catch (const Json::exception&) {
      throw Error(ExitCode::usage,
                  str(place.parent_pointer().back(), ".", place.back(),
                      " is not UTF-8: ", dumped(config[place])),
                  where, "rename the folder or file, or give a link to it");
    }
  }
}

Json override_value(const std::string& text, const std::string& where) {
  if (Json::accept(text)) return parse_json(text, where);
  return text;
}

void apply_override(Json& config, const std::string& text) {
  const std::string where = "--set " + text;
  const std::size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  if (equals == std::string::npos || key.empty()) {
    throw Error(ExitCode::usage, "an override must be KEY=JSON", where,
                "for example --set train.epochs=20");
  }
  Json* place = &config;
  std::size_t begin = 0;
  while (true) {
    const std::size_t dot = key.find('.', begin);
    if (!place->is_object()) *place = Json::object();
    place = &(*place)[key.substr(begin, dot - begin)];
    if (dot == std::string::npos) break;
    begin = dot + 1;
  }
  *place = override_value(text.substr(equals + 1), where);
}

// Pixels of the shorter side, or 0 where the schema will refuse the value.
double shorter_side(const Json& size) {
  if (size.is_number()) return size.get<double>();
  const bool pair =
      size.is_array() && size.size() == 2 && size[0].is_number() && size[1].is_number();
  return pair ? std::min(size[0].get<double>(), size[1].get<double>()) : 0;
}

// What is given goes over what the file says. Another input size alone is cut out of the image in
// the same proportion.
void complete_input(Json& config, const InputOfBackbone& input_of_backbone) {
  const Json::json_pointer file("/backbone/file");
  const Json::json_pointer place("/backbone/input");
  if (!config.contains(file) || !config[file].is_string()) return;
  if (!config.contains(place) || !config[place].is_object()) return;
  const Json given = config[place];
  Json input = input_of_backbone(config[file].get<std::string>());
  if (given.contains("input_size") && input.contains("input_size") && input.contains("resize")) {
    const double ratio = shorter_side(given["input_size"]) / shorter_side(input["input_size"]);
    if (std::isfinite(ratio)) input["resize"] = std::lround(shorter_side(input["resize"]) * ratio);
  }
  input.update(given);
  config[place] = input;
}

// Every key of backbone.input, so that a change of our conventions can't change an old run.
void resolve_input(Json& config, const Experiment& options) {
  if (options.backbone.input) config["backbone"]["input"] = to_json(*options.backbone.input);
}

// The schema and the structs are two lists of the same keys.
void check_each_key_has_its_option(const LoadedExperiment& loaded) {
  const nlohmann::json resolved = loaded.resolved;
  const nlohmann::json options = to_json(loaded.options);
  if (options == resolved) return;
  throw Error(ExitCode::defect, "the options are not what the config says: " +
                                    dumped(nlohmann::json::diff(resolved, options)));
}

}  // namespace

LoadedExperiment load_experiment(const fs::path& file, const std::vector<std::string>& overrides,
                                 const InputOfBackbone& input_of_backbone) {
  std::string where = file.string();
  Json config = parse_json(read_file(file, ExitCode::usage), where);
  resolve_paths(config, fs::absolute(file).parent_path());
  for (const std::string& text : overrides) {
    apply_override(config, text);
    where += " --set " + text;
  }
  resolve_paths(config, fs::current_path());
  require_text(config, where);
  if (input_of_backbone) complete_input(config, input_of_backbone);

  LoadedExperiment loaded;
  loaded.file = fs::absolute(file);
  loaded.resolved = apply_schema(config, experiment_schema(), where);
  loaded.resolved.erase("$schema");
  check_rules(loaded.resolved, where);
  loaded.options = experiment_from_json(loaded.resolved);
  resolve_input(loaded.resolved, loaded.options);
  check_each_key_has_its_option(loaded);
  return loaded;
}

}  // namespace tl
