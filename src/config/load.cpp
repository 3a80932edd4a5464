#include "tl/config/load.h"

#include "config/options_json.h"
#include "config/rules.h"
#include "config/strict_json.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/json.h"
#include "tl/base/text.h"
#include "tl/config/schema.h"

namespace tl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Relative paths become absolute; absolute ones stay, so that it can be called again after
// overrides and changes only what these brought.
void resolve_paths(Json& config, const fs::path& folder) {
  for (const char* key : {"/data/root", "/backbone/file", "/features/folder"}) {
    const Json::json_pointer place(key);
    if (!config.contains(place) || !config[place].is_string() || config[place] == "") continue;
    fs::path path = (folder / config[place].get<std::string>()).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // no slash at the end
    config[place] = path.string();
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

LoadedExperiment load_experiment(const fs::path& file, const std::vector<std::string>& overrides) {
  std::string where = file.string();
  Json config = parse_json(read_file(file, ExitCode::usage), where);
  resolve_paths(config, fs::absolute(file).parent_path());
  for (const std::string& text : overrides) {
    apply_override(config, text);
    where += " --set " + text;
  }
  resolve_paths(config, fs::current_path());

  LoadedExperiment loaded;
  loaded.resolved = apply_schema(config, experiment_schema(), where);
  loaded.resolved.erase("$schema");
  check_rules(loaded.resolved, where);
  loaded.options = experiment_from_json(loaded.resolved);
  resolve_input(loaded.resolved, loaded.options);
  check_each_key_has_its_option(loaded);
  return loaded;
}

}  // namespace tl
