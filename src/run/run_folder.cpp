#include "tl/run/run_folder.h"

#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace tl {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

bool is_there(const fs::path& path) {
  std::error_code ignored;  // what can't be seen is not there
  return fs::exists(path, ignored);
}

// The folder, or what stands nearest above it, must be a folder that can be written.
void check_writable(const fs::path& path) {
  fs::path nearest = path;
  while (!is_there(nearest) && nearest.has_relative_path())
    nearest = nearest.parent_path();
  if (!fs::is_directory(nearest)) {
    throw Error(ExitCode::usage, "the output is no folder", nearest.string(),
                "give another --output");
  }
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    throw Error(ExitCode::usage, str("can't write into the output folder: ", std::strerror(errno)),
                nearest.string(), "give an --output that you may write to");
  }
}

// The dotted key where two configs differ, or "".
std::string difference(const ordered_json& a, const ordered_json& b, const std::string& key) {
  if (!a.is_object() || !b.is_object()) return a == b ? "" : key;
  for (const auto& [name, value] : a.items()) {
    const std::string inner = key.empty() ? name : key + "." + name;
    if (!b.contains(name)) return inner;
    const std::string found = difference(value, b.at(name), inner);
    if (!found.empty()) return found;
  }
  for (const auto& [name, value] : b.items()) {
    if (!a.contains(name)) return key.empty() ? name : key + "." + name;
  }
  return "";
}

void check_same_config(const RunFolder& folder, const LoadedExperiment& experiment) {
  const auto before = load_experiment(folder.config(), {}).resolved;
  const std::string key = difference(before, experiment.resolved, "");
  if (key.empty()) return;
  throw Error(ExitCode::usage, str("the run in this folder began with another ", key),
              folder.path.string(),
              "resume with the config it began with, or give another --output");
}

// Going on would begin from nothing, and the epochs done would be lost unnoticed.
void check_has_checkpoints(const RunFolder& folder) {
  std::error_code ignored;
  const fs::directory_iterator files(folder.checkpoints(), ignored);
  const bool any = std::any_of(fs::begin(files), fs::end(files),
                               [](const fs::path& file) { return file.extension() == ".ckpt"; });
  if (any || folder.is_finished() || !is_there(folder.metrics())) return;
  throw Error(ExitCode::training, "the checkpoints of this run are gone",
              folder.checkpoints().string(),
              "bring them back from a copy of the folder, or start again with --force");
}

void check_outside(const fs::path& input, const RunFolder& folder) {
  const fs::path inner = fs::weakly_canonical(input);
  const fs::path outer = fs::weakly_canonical(folder.path);
  if (std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first != outer.end()) {
    return;
  }
  throw Error(ExitCode::usage, "--force would delete what the new run needs", input.string(),
              "give another --output");
}

}  // namespace

bool RunFolder::holds_a_run() const {
  return is_there(config()) && is_there(environment()) && is_there(split());
}

bool RunFolder::is_marker(const fs::path& file) const {
  return file == config() || file == environment() || file == split();
}

bool RunFolder::is_barely_begun() const {
  std::error_code ignored;
  const fs::directory_iterator kept(checkpoints(), ignored);
  if (is_there(config()) || ignored) return false;
  if (!std::all_of(fs::begin(kept), fs::end(kept), is_temporary)) return false;
  const fs::directory_iterator files(path);
  return std::all_of(fs::begin(files), fs::end(files), [&](const fs::path& file) {
    return is_marker(file) || file == checkpoints() || file == skipped() || file == faults() ||
           is_temporary(file);
  });
}

bool RunFolder::is_finished() const {
  return holds_a_run() && is_there(model()) && is_there(report());
}

RunFolder run_folder_at(const fs::path& path) {
  return {(fs::absolute(path) / "").lexically_normal().parent_path()};
}

void check_run_folder(const RunFolder& folder, ExistingRun existing,
                      const LoadedExperiment& experiment) {
  const auto& path = folder.path;
  check_writable(path);
  if (!is_there(path) || fs::is_empty(path) || folder.is_barely_begun()) return;
  if (!folder.holds_a_run()) {
    throw Error(ExitCode::usage, "the output folder holds something that is no run", path.string(),
                "give another --output");
  }
  if (existing == ExistingRun::refuse) {
    throw Error(ExitCode::usage, "there is a run in the output folder already", path.string(),
                "--resume goes on with it, --force replaces it, --output takes another folder");
  }
  if (existing == ExistingRun::resume) {
    check_same_config(folder, experiment);
    check_has_checkpoints(folder);
  }
  if (existing == ExistingRun::replace) {
    check_outside(experiment.options.data.root, folder);
    check_outside(experiment.options.backbone.file, folder);
  }
}

RunLock::RunLock(const RunFolder& folder) {
  make_writable_folder(folder.path);
  descriptor_ = ::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return;
  ::close(descriptor_);
  throw Error(ExitCode::usage, "another process is working in the output folder",
              folder.path.string(), "wait until it has ended, or give another --output");
}

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tl
