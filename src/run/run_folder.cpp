#include "tl/run/run_folder.h"

#include "run/config_changes.h"
#include "tl/base/files.h"
#include "tl/base/paths.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace tl {
namespace {

namespace fs = std::filesystem;

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
    throw Refusal(ExitCode::usage, "the output is no folder", nearest.string(),
                  "give another output folder", {Remedy::output});
  }
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    throw Refusal(
        ExitCode::usage, str("can't write into the output folder: ", std::strerror(errno)),
        nearest.string(), "give an output folder that you may write to", {Remedy::output});
  }
}

// Going on would begin from nothing, and the epochs done would be lost unnoticed.
void check_has_checkpoints(const RunFolder& folder, const LoadedExperiment& experiment) {
  std::error_code ignored;
  const fs::directory_iterator files(folder.checkpoints(), ignored);
  const bool any = std::any_of(fs::begin(files), fs::end(files),
                               [](const fs::path& file) { return file.extension() == ".ckpt"; });
  if (any || is_done(folder, experiment) || !is_there(folder.metrics())) return;
  throw Refusal(ExitCode::failure, "the checkpoints of this run are gone",
                folder.checkpoints().string(),
                "bring them back from a copy of the folder, or replace the run", {Remedy::replace});
}

void check_outside(const fs::path& input, const RunFolder& folder) {
  const fs::path inner = fs::weakly_canonical(input);
  const fs::path outer = fs::weakly_canonical(folder.path);
  if (std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first != outer.end()) {
    return;
  }
  throw Refusal(ExitCode::usage, "replacing the run would delete what the new one needs",
                input.string(), "give another output folder", {Remedy::output});
}

}  // namespace

bool RunFolder::holds_a_run() const {
  return is_there(config()) && is_there(environment()) && is_there(split());
}

bool RunFolder::is_marker(const fs::path& file) const {
  return file == config() || file == environment() || file == split();
}

bool RunFolder::is_barely_begun() const {
  const auto all_in = [](const fs::path& folder, const auto& fits) {
    std::error_code error;
    const fs::directory_iterator files(folder, error);
    return !error && std::all_of(fs::begin(files), fs::end(files), fits);
  };
  if (!is_there(checkpoints())) return all_in(path, is_temporary);
  if (is_there(config()) || !all_in(checkpoints(), is_temporary)) return false;
  return all_in(path, [&](const fs::path& file) {
    return is_marker(file) || file == checkpoints() || file == contents() || file == skipped() ||
           file == faults() || is_temporary(file);
  });
}

bool RunFolder::is_finished() const {
  return holds_a_run() && is_there(model()) && is_there(report()) && !is_there(unfinished());
}

RunFolder run_folder_at(const fs::path& path) {
  const fs::path folder = short_path(fs::absolute(path));
  return {folder.has_filename() ? folder : folder.parent_path()};  // no slash at the end
}

nlohmann::ordered_json resolved_config(const RunFolder& folder) {
  return load_experiment(folder.config(), {}).resolved;
}

bool is_done(const RunFolder& folder, const LoadedExperiment& experiment) {
  const auto epochs = [](const nlohmann::ordered_json& config) {
    return config.at("train").at("epochs");
  };
  return folder.is_finished() && epochs(resolved_config(folder)) == epochs(experiment.resolved);
}

void check_run_folder(const RunFolder& folder, ExistingRun existing,
                      const LoadedExperiment& experiment) {
  const auto& path = folder.path;
  check_writable(path);
  if (!is_there(path) || fs::is_empty(path) || folder.is_barely_begun()) {
    if (existing == ExistingRun::finish) {
      throw Refusal(ExitCode::usage, "there is no run to finish", path.string(),
                    "give the folder of a run", {Remedy::output});
    }
    return;
  }
  if (!folder.holds_a_run()) {
    throw Refusal(ExitCode::usage, "the output folder holds something that is no run",
                  path.string(), "give another output folder", {Remedy::output});
  }
  if (existing == ExistingRun::refuse) {
    throw Refusal(ExitCode::usage, "there is a run in the output folder already", path.string(),
                  "go on with it, replace it, or give another output folder",
                  {Remedy::resume, Remedy::replace, Remedy::output});
  }
  if (existing == ExistingRun::resume || existing == ExistingRun::finish) {
    check_changes(resolved_config(folder), experiment.resolved, path);
    check_has_checkpoints(folder, experiment);
  }
  if (existing == ExistingRun::replace) {
    check_outside(experiment.file, folder);
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
  throw Refusal(ExitCode::usage, "another process is working in the output folder",
                folder.path.string(), "wait until it has ended, or give another output folder",
                {Remedy::output});
}

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tl
