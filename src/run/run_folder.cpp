#include "tl/run/run_folder.h"

#include "tl/base/error.h"

namespace tl {

bool RunFolder::is_finished() const {
  return holds_a_run() && std::filesystem::exists(model()) && std::filesystem::exists(report());
}

void check_run_folder(const RunFolder& folder, ExistingRun existing) {
  const auto& path = folder.path;
  if (!std::filesystem::exists(path)) return;
  if (!std::filesystem::is_directory(path)) {
    throw Error(ExitCode::usage, "the output is no folder", path.string(), "give another --output");
  }
  if (std::filesystem::is_empty(path)) return;
  if (!folder.holds_a_run()) {
    throw Error(ExitCode::usage, "the output folder holds something that is no run", path.string(),
                "give another --output");
  }
  if (existing == ExistingRun::refuse) {
    throw Error(ExitCode::usage, "there is a run in the output folder already", path.string(),
                "--resume goes on with it, --force replaces it, --output takes another folder");
  }
}

}  // namespace tl
