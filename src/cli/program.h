// What the four programs share: common flags, one place where errors become exit codes.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace tl {

struct CommonOptions {
  int threads = 0;
  std::string log_level = "info";
  std::string progress = "auto";
  bool json = false;

  // Whether to draw a live status line on stderr.
  bool draws_progress() const;
};

// Adds the common flags, parses, runs `verb`, and turns whatever it throws into a message on stderr
// and an exit code. `define` adds the program's own options.
int run_program(const std::string& description, int argc, char** argv,
                const std::function<void(CLI::App&)>& define,
                const std::function<int(const CommonOptions&)>& verb);

}  // namespace tl
