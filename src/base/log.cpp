#include "tl/base/log.h"

#include "tl/base/plain_text.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string_view>
#include <unistd.h>

namespace tl::log {
namespace {

constexpr const char* erase_line = "\r\x1b[K";
constexpr const char* green = "\x1b[32m";
constexpr const char* no_colour = "\x1b[0m";

bool shows_colours() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string_view(value == nullptr ? "" : value);
  };
  const std::string_view terminal = variable("TERM");
  return stderr_is_terminal() && variable("NO_COLOR").empty() && !terminal.empty() &&
         terminal != "dumb";
}

// The logger, and whether a status line stands on the screen; one lock for both.
class Log {
 public:
  Log() : sink_(std::make_shared<Sink>()), logger_("tl", sink_), coloured_(shows_colours()) {
    sink_->set_color_mode(coloured_ ? spdlog::color_mode::always : spdlog::color_mode::never);
    logger_.set_pattern("%H:%M:%S %^%v%$");
  }

  void set_level(spdlog::level::level_enum level) { logger_.set_level(level); }

  void line(spdlog::level::level_enum level, const char* label, const std::string& message,
            Tone tone = Tone::plain) {
    const std::lock_guard lock(mutex_);
    if (!logger_.should_log(level)) return;
    if (status_shown_) std::fputs(erase_line, stderr);
    status_shown_ = false;
    if (level == spdlog::level::info)
      sink_->set_color(level, tone == Tone::good ? sink_->green : sink_->reset);
    logger_.log(level, "{} {}", label, printable_lines(message));
  }

  void status(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (text.empty() && !status_shown_) return;
    std::fputs((erase_line + text).c_str(), stderr);
    std::fflush(stderr);
    status_shown_ = !text.empty();
  }

  std::string toned(const std::string& text, Tone tone) const {
    return coloured_ && tone == Tone::good ? green + text + no_colour : text;
  }

 private:
  using Sink = spdlog::sinks::ansicolor_stderr_sink_st;

  std::mutex mutex_;
  const std::shared_ptr<Sink> sink_;
  spdlog::logger logger_;
  const bool coloured_;
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
void info(const std::string& message, Tone tone) {
  instance().line(spdlog::level::info, "info ", message, tone);
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

std::string toned(const std::string& text, Tone tone) {
  return instance().toned(text, tone);
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace tl::log
