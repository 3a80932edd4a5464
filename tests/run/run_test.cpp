#include "catch.h"
#include "error_of.h"
#include "temporary_folder.h"
#include "tl/run/experiment.h"
#include "tl/run/run_folder.h"

#include <fstream>

using namespace tl;

TEST_CASE("a run folder is taken only where nothing can get lost") {
  const TemporaryFolder folder;
  const RunFolder run{folder / "run"};
  const LoadedExperiment experiment;
  check_run_folder(run, ExistingRun::refuse, experiment);  // not there yet
  std::filesystem::create_directories(run.path);
  check_run_folder(run, ExistingRun::refuse, experiment);  // empty

  std::ofstream(run.path / "thesis.txt") << "precious";
  const auto refusal = [&](ExistingRun existing) {
    return error_of([&] { check_run_folder(run, existing, experiment); });
  };
  CHECK(has(refusal(ExistingRun::replace).what(), "no run"));
  for (const auto& file : {run.config(), run.environment(), run.split()})
    std::ofstream(file) << "{}";
  CHECK(has(refusal(ExistingRun::refuse).hint(), "go on with it"));
}

TEST_CASE("what a process killed at its beginning left is no obstacle") {
  const TemporaryFolder folder;
  const RunFolder run{folder / "run"};
  std::filesystem::create_directories(run.path);
  std::ofstream(run.path / ".tmp-1-0") << "a trial";
  check_run_folder(run, ExistingRun::refuse, LoadedExperiment());
  std::filesystem::create_directories(run.checkpoints());
  std::ofstream(run.checkpoints() / ".tmp-1-1") << "a trial";
  std::ofstream(run.path / ".tmp-1-2") << "half a file";
  std::ofstream(run.split()) << "path,class,split";
  check_run_folder(run, ExistingRun::refuse, LoadedExperiment());
  std::ofstream(run.checkpoints() / "last.ckpt") << "hours of work";
  CHECK_FALSE(run.is_barely_begun());
}

TEST_CASE("a run folder is one's own as long as one works in it") {
  const TemporaryFolder folder;
  const RunFolder run{folder / "run"};
  {
    const RunLock lock(run);
    const Error error = error_of([&] { const RunLock second(run); });
    CHECK(error.code() == ExitCode::usage);
    CHECK(error.where() == run.path.string());
    const RunLock elsewhere(RunFolder{folder / "other"});
  }
  const RunLock again(run);
}
