#include "cli/live.h"

#include "cli/console.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <string_view>

namespace tl {
namespace {

constexpr std::size_t line_width = 79;  // the last column would make some terminals wrap
constexpr std::size_t longest_bar = 20;
constexpr int time_width = 7;
constexpr double seconds_between_logs = 60;

// As long as there is room for, brackets included.
std::string bar(std::size_t done, std::size_t total, std::size_t room = longest_bar + 2) {
  const std::size_t width = std::min(room, longest_bar + 2) - 2;
  const std::size_t filled = total == 0 ? width : done * width / total;
  return "[" + log::toned(std::string(filled, '#'), log::Tone::good) +
         std::string(width - filled, '-') + "]";
}

// A number of an epoch's line, under "val" and "loss".
struct Column {
  const Field<EpochMetrics>& field;
  std::string part;
  std::string name;

  int width() const { return static_cast<int>(std::max<std::size_t>(name.size(), 6) + 2); }
};

std::vector<Column> columns() {
  std::vector<Column> all;
  for (const std::string part : {"train", "val"}) {
    for (const auto& field : epoch_fields()) {
      const std::string_view key = field.key;
      if (!key.starts_with(part + "_")) continue;
      all.push_back({field, part, std::string(key.substr(part.size() + 1))});
    }
  }
  return all;
}

std::string clock_text(double seconds) {
  return written(seconds, Form::seconds);
}

}  // namespace

void ConsoleObserver::on_resume(int epoch, std::size_t step) {
  log::info(step == 0 ? str("resuming after epoch ", epoch - 1)
                      : str("resuming in epoch ", epoch, ", after step ", step));
}

// In a log file, a sign of life within epochs that take long.
void ConsoleObserver::log_step(const StepMetrics& m, double left) {
  if (since_log_.seconds() < seconds_between_logs || m.step == m.steps) return;
  since_log_ = Stopwatch();
  log::info(str("epoch ", m.epoch, "/", epochs_, ", step ", m.step, "/", m.steps, ", loss ",
                fixed(m.loss, 3), ", ", clock_text(left), " left"));
}

void ConsoleObserver::on_step(const StepMetrics& m) {
  const double share = static_cast<double>(m.step) / static_cast<double>(m.steps);
  const double whole = epoch_seconds_ > 0 ? epoch_seconds_ : m.seconds / share;
  const double left = whole * (epochs_ - m.epoch + 1 - share);
  if (!live_) return log_step(m, left);
  const auto step_width = static_cast<int>(std::to_string(m.steps).size());
  const std::string before = str("epoch ", m.epoch, "/", epochs_, " ");
  // In fixed widths, so that the bar does not tremble.
  const std::string after =
      str(" ", std::setw(step_width), m.step, "/", m.steps, "  loss ", fixed(m.loss, 3),
          std::setw(9), percent(m.accuracy), std::setw(6), std::lround(m.images_per_second),
          " images/s", std::setw(time_width), clock_text(left), " left");
  const std::size_t used = before.size() + after.size();
  const std::size_t room = used < line_width ? line_width - used : 0;
  log::status(before + (room > 4 ? bar(m.step, m.steps, room) : "") + after);
}

int ConsoleObserver::epoch_width() const {
  return std::max(5, 2 * static_cast<int>(std::to_string(epochs_).size()) + 1);
}

// What is measured, and above it, on which images.
void ConsoleObserver::print_headings() {
  std::string parts = str(std::setw(epoch_width()), "");
  std::string names = str(std::setw(epoch_width()), "epoch");
  const auto all = columns();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool first = i == 0 || all[i - 1].part != all[i].part;
    parts += str(std::setw(all[i].width()), first ? all[i].part : "");
    names += str(std::setw(all[i].width()), all[i].name);
  }
  log::info(parts.substr(0, parts.find_last_not_of(' ') + 1));
  log::info(names + str(std::setw(time_width), "time", std::setw(time_width), "left"));
  has_headings_ = true;
}

void ConsoleObserver::on_exact_fit(const ExactFit& fit) {
  log::status("");
  log::info(exact_fit_text(fit));
}

void ConsoleObserver::on_epoch(const std::vector<EpochMetrics>& history, std::size_t best) {
  const EpochMetrics& m = history.back();
  const bool is_best = best + 1 == history.size();
  epoch_seconds_ = m.seconds;
  since_log_ = Stopwatch();
  log::status("");
  if (!has_headings_) print_headings();
  std::string line =
      str(std::setw(epoch_width()), m.epoch == 0 ? "exact" : str(m.epoch, "/", epochs_));
  for (const Column& column : columns())
    line += str(std::setw(column.width()), column.field.text(m));
  for (const double seconds : {m.seconds, m.seconds * (epochs_ - m.epoch)})
    line += str(std::setw(time_width), clock_text(seconds));
  log::info(line + (is_best ? "  best" : ""), is_best ? log::Tone::good : log::Tone::plain);
}

Progress progress_bar(const std::string& label, bool live) {
  if (!live) return {};
  return [label](std::size_t done, std::size_t total) {
    log::status(done == total ? std::string()
                              : str(label, " ", bar(done, total), " ", done, "/", total));
  };
}

}  // namespace tl
