#include "tl/base/log.h"

#include "tl/base/plain_text.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <unistd.h>

namespace tl::log {
namespace {

constexpr const char* erase_line = "\r\x1b[K";

// The logger, and whether a status line stands on the screen; one lock for both.
class Log {
 public:
  Log() : logger_("tl") {
    const auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>();
    sink->set_color(spdlog::level::info, sink->reset);
    logger_.sinks().push_back(sink);
    logger_.set_pattern("%H:%M:%S %^%v%$");
  }

  void set_level(spdlog::level::level_enum level) { logger_.set_level(level); }

  void line(spdlog::level::level_enum level, const char* label, const std::string& message) {
    const std::lock_guard lock(mutex_);
    if (!logger_.should_log(level)) return;
    if (status_shown_) std::fputs(erase_line, stderr);
    status_shown_ = false;
    logger_.log(level, "{} {}", label, printable_lines(message));
  }

  void status(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (text.empty() && !status_shown_) return;
    std::fputs((erase_line + text).c_str(), stderr);
    std::fflush(stderr);
    status_shown_ = !text.empty();
  }

 private:
  std::mutex mutex_;
  spdlog::logger logger_;
  bool status_shown_ = false;
};

// Never destroyed: threads may log until the process is gone.
Log& instance() {
  static Log& log = *new Log;
  return log;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

void set_level(Level level) {
  instance().set_level(spdlog_level(level));
}

void debug(const std::string& message) {
  instance().line(spdlog::level::debug, "debug", message);
}
void info(const std::string& message) {
  instance().line(spdlog::level::info, "info ", message);
}
void warn(const std::string& message) {
  instance().line(spdlog::level::warn, "warn ", message);
}
void error(const std::string& message) {
  instance().line(spdlog::level::err, "error", message);
}

void status(const std::string& line) {
  instance().status(line);
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace tl::log
