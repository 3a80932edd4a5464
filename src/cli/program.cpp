#include "cli/program.h"

#include "tl/base/log.h"
#include "tl/base/plain_text.h"
#include "tl/base/refusal.h"
#include "tl/base/stopwatch.h"
#include "tl/base/text.h"
#include "tl/base/version.h"
#include "tl/run/device.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <system_error>
#include <vector>

namespace tl {
namespace {

void add_common(CLI::App& app, CommonOptions& common) {
  app.set_version_flag("--version", version());
  app.add_option("--threads", common.threads, "Compute threads; 0: as many as cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--log-level", common.log_level, "How much to log on stderr")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_option("--progress", common.progress,
                 "A live progress bar on stderr; auto: on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_flag("--json", common.json, "Print the result as one JSON object");
}

void set_log_level(const std::string& name) {
  static const std::map<std::string, log::Level> levels = {{"debug", log::Level::debug},
                                                           {"info", log::Level::info},
                                                           {"warn", log::Level::warn},
                                                           {"error", log::Level::error},
                                                           {"off", log::Level::off}};
  log::set_level(levels.at(name));
}

int fail(ExitCode code, const std::string& report) {
  log::status("");
  std::cerr << printable_lines(report) << std::endl;
  return static_cast<int>(code);
}

int fail_for_memory() {
  return fail(ExitCode::failure, Error(ExitCode::failure, "out of memory", "",
                                       "lower train.batch_size, or use a smaller backbone")
                                     .report());
}

// The programs' flags, where they have them.
const char* flag_for(Remedy remedy) {
  switch (remedy) {
    case Remedy::resume:
      return "--resume";
    case Remedy::replace:
      return "--force";
    case Remedy::output:
      return "--output";
    case Remedy::data:
      return "--data DIR";
    case Remedy::split:
      return "--split";
    case Remedy::classes:
      return "--classes FILE";
    case Remedy::device:
      return "--device";
  }
  return "";
}

Error with_flags(const Refusal& refusal) {
  std::string flags;
  for (const Remedy remedy : refusal.remedies())
    flags += (flags.empty() ? "" : ", ") + std::string(flag_for(remedy));
  return {refusal.code(), refusal.what(), refusal.where(), refusal.hint() + " (" + flags + ")"};
}

int guarded(const std::function<int()>& verb) try {
  const int code = verb();
  if (!std::cout.flush()) {
    throw Error(ExitCode::failure, "can't write the result", "standard output",
                "free some space where it goes to");
  }
  return code;
} catch (const Refusal& refusal) {
  return fail(refusal.code(), with_flags(refusal).report());
} catch (const Error& error) {
  return fail(error.code(), error.report());
} catch (const std::system_error& error) {  // no thread, no file system: not for us to mend
  return fail(ExitCode::failure,
              Error(ExitCode::failure, std::string("the system refuses: ") + error.what(), "",
                    "check the limits on memory and processes (ulimit -a), and the disks")
                  .report());
} catch (const std::exception& error) {
  if (is_out_of_memory(error)) return fail_for_memory();
  return fail(ExitCode::defect,
              Error(ExitCode::defect, error.what(), "", "this is a defect of tl; please report it")
                  .report());
}

// CLI11 takes a word in brackets for a list of words; no option has a value of this kind, so it is
// a path, and "./" in front changes nothing of it.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::string& argument : arguments) {
    if (argument.starts_with('[') && argument.ends_with(']')) argument.insert(0, "./");
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  return arguments;
}

}  // namespace

bool CommonOptions::draws_progress() const {
  return progress == "always" || (progress == "auto" && log::stderr_is_terminal());
}

int run_program(const std::string& description, int argc, char** argv,
                const std::function<void(CLI::App&)>& define,
                const std::function<int(const CommonOptions&)>& verb) {
  CLI::App app(description);
  CommonOptions common;
  define(app);
  add_common(app, common);
  try {
    app.name(std::filesystem::path(argv[0]).string());
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  set_log_level(common.log_level);
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the limit is an error of write(), not the end
  set_up_process(common.threads);
  const Stopwatch running;
  log::debug(str("tl ", version(), " on ", compute_threads(), " threads"));
  const int code = guarded([&] { return verb(common); });
  log::debug(str("exit code ", code, " after ", fixed(running.seconds(), 2), " s"));
  std::cerr.flush();
  // All is written; the libraries would take a tenth of a second to take themselves down.
  std::_Exit(code);
}

}  // namespace tl
