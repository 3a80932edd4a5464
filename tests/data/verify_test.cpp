#include "data/verify.h"

#include "resource_limit.h"
#include "scratch.h"
#include "tl/base/signals.h"
#include "tl/data/dataset.h"

#include <csignal>
#include <sys/wait.h>

using namespace tl;
using namespace tl::test;

namespace {

// The exit code with which `action` ends in a process that was asked to stop.
template <typename Action>
int code_after_stop(Action action) {
  const pid_t child = fork();
  if (child == 0) {
    install_stop_signals();
    std::raise(SIGTERM);
    try {
      action();
    } catch (const Error& error) {
      _exit(static_cast<int>(error.code()));
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a stop is heard while images are checked and while they are read") {
  const Scratch scratch;
  add_images(scratch, "a", 3);
  add_images(scratch, "b", 3);
  DataOptions options;
  options.root = scratch.folder();
  Dataset dataset = open_dataset(options, 1, 2);
  CHECK(code_after_stop([&] { open_dataset(options, 1, 2); }) == 75);
  CHECK(code_after_stop([&] { read_contents(dataset, 2); }) == 75);
}

TEST_CASE("an image that the machine can't open now is not called bad") {
  const Scratch scratch;
  scratch.write("a.png", plain_png());
  const std::vector<std::string> paths = {"a.png", "a.png"};
  CHECK(verify_images(scratch.folder(), paths, 2, {}).at(0).reason.empty());
  const auto limit = no_more_files();
  const Error error = caught([&] { verify_images(scratch.folder(), paths, 2, {}); });
  CHECK(error.code() == ExitCode::training);
  CHECK(has(error.what(), "Too many open files"));
}
