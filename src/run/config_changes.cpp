#include "run/config_changes.h"

#include "tl/base/refusal.h"
#include "tl/base/text.h"

#include <algorithm>
#include <string>
#include <vector>

namespace tl {
namespace {

using nlohmann::ordered_json;

constexpr const char* free_keys[] = {
    "data.root",          "backbone.file",   "data.workers",           "data.ram_gb",
    "features.cache",     "features.folder", "features.disk_gb",       "features.ram_gb",
    "features.precision", "train.precision", "train.checkpoint_every", "device"};

bool is_free(const std::string& key) {
  return std::any_of(std::begin(free_keys), std::end(free_keys), [&](const std::string& free) {
    return key == free || key.starts_with(free + ".");
  });
}

// Appends the dotted keys where the two differ.
void find_differences(const ordered_json& a, const ordered_json& b, const std::string& key,
                      std::vector<std::string>& found) {
  if (a == b) return;
  if (!a.is_object() || !b.is_object()) {
    found.push_back(key);
    return;
  }
  const auto value = [](const ordered_json& json, const std::string& name) {
    return json.contains(name) ? json.at(name) : ordered_json();
  };
  ordered_json keys = a;
  keys.update(b);
  for (const auto& [name, ignored] : keys.items()) {
    find_differences(value(a, name), value(b, name), key.empty() ? name : key + "." + name, found);
  }
}

bool is_more_epochs(const std::string& key, const ordered_json& before, const ordered_json& now) {
  return key == "train.epochs" && now.at("train").at("epochs") > before.at("train").at("epochs");
}

}  // namespace

void check_changes(const ordered_json& before, const ordered_json& now,
                   const std::filesystem::path& run) {
  std::vector<std::string> differences;
  find_differences(before, now, "", differences);
  for (const std::string& key : differences) {
    if (is_free(key) || is_more_epochs(key, before, now)) continue;
    throw Refusal(ExitCode::usage, str("the run in this folder began with another ", key),
                  run.string(),
                  "resume with the config it began with, or give another output folder; what may "
                  "change: more train.epochs, where data and backbone lie, device, precisions, "
                  "data.workers, train.checkpoint_every, and where and how features are kept",
                  {Remedy::resume, Remedy::output});
  }
}

}  // namespace tl
