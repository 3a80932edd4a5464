#include "tl/base/log.h"

#include "catch.h"
#include "temporary_folder.h"
#include "tl/base/files.h"

#include <fcntl.h>
#include <regex>
#include <thread>
#include <vector>

namespace {

// What `action` writes to stderr, which is no terminal meanwhile.
template <typename Action>
std::string stderr_of(Action action) {
  const TemporaryFolder folder;
  const int saved = dup(STDERR_FILENO);
  const int file = open((folder / "stderr").c_str(), O_WRONLY | O_CREAT, 0600);
  dup2(file, STDERR_FILENO);
  close(file);
  action();
  dup2(saved, STDERR_FILENO);
  close(saved);
  return tl::read_file(folder / "stderr", tl::ExitCode::defect);
}

}  // namespace

TEST_CASE("log lines carry time and level, and no colour off a terminal") {
  const std::string text = stderr_of([] {
    tl::log::info("a {} b");
    tl::log::warn("careful");
    tl::log::error("bad");
    tl::log::debug("hidden");
  });
  const std::string time = "\\d\\d:\\d\\d:\\d\\d ";
  CHECK(std::regex_match(text, std::regex(time + "info  a \\{\\} b\n" + time + "warn  careful\n" +
                                          time + "error bad\n")));
}

TEST_CASE("the level decides what is logged") {
  const std::string text = stderr_of([] {
    tl::log::set_level(tl::log::Level::debug);
    tl::log::debug("one");
    tl::log::set_level(tl::log::Level::error);
    tl::log::warn("two");
    tl::log::set_level(tl::log::Level::off);
    tl::log::error("three");
    tl::log::set_level(tl::log::Level::info);
  });
  CHECK(text.find("debug one\n") != std::string::npos);
  CHECK(text.find("two") == std::string::npos);
  CHECK(text.find("three") == std::string::npos);
}

TEST_CASE("a log line erases the status line") {
  const std::string text = stderr_of([] {
    tl::log::status("10 %");
    tl::log::info("saved");
    tl::log::info("again");
    tl::log::status("20 %");
    tl::log::status("");
    tl::log::status("");
  });
  const std::string erase = "\r\x1b\\[K";
  const std::string time = "\\d\\d:\\d\\d:\\d\\d ";
  CHECK(std::regex_match(text, std::regex(erase + "10 %" + erase + time + "info  saved\n" + time +
                                          "info  again\n" + erase + "20 %" + erase)));
}

TEST_CASE("lines of several threads stay whole") {
  const std::string text = stderr_of([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int j = 0; j < 50; ++j)
          tl::log::info("0123456789");
      });
    }
    for (auto& thread : threads)
      thread.join();
  });
  const std::regex line("\\d\\d:\\d\\d:\\d\\d info  0123456789\n");
  const auto begin = std::sregex_iterator(text.begin(), text.end(), line);
  CHECK(std::distance(begin, std::sregex_iterator()) == 200);
  CHECK(text.size() == 200 * std::string("12:34:56 info  0123456789\n").size());
}

TEST_CASE("a file is no terminal") {
  bool terminal = true;
  stderr_of([&] { terminal = tl::log::stderr_is_terminal(); });
  CHECK_FALSE(terminal);
}
