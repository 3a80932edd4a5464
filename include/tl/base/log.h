// Log lines and a transient status line, both on stderr: stdout is for results alone.
// Torch must not be included where spdlog is (both bring their own fmt), so spdlog stays behind
// this.
#pragma once

#include <string>

namespace tl::log {

enum class Level { debug, info, warn, error, off };

void set_level(Level level);

// Colours are for terminals alone, and not where NO_COLOR is set (no-color.org).
enum class Tone { plain, good };

void debug(const std::string& message);
void info(const std::string& message, Tone tone = Tone::plain);
void warn(const std::string& message);
void error(const std::string& message);

// Draws `line` in place of the last status line; a log line erases it and the next call draws it
// again. Safe from any thread. An empty line erases it.
void status(const std::string& line);
// Part of a status line.
std::string toned(const std::string& text, Tone tone);

bool stderr_is_terminal();

}  // namespace tl::log
