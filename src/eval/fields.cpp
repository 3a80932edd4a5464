#include "tl/eval/fields.h"

#include "tl/base/text.h"

#include <cmath>
#include <cstdio>

namespace tl {
namespace {

std::string clock_time(double seconds) {
  const auto whole = std::llround(seconds);
  const auto two_digits = [](long long n) { return str(n < 10 ? ":0" : ":", n); };
  const auto minutes = whole / 60;
  if (minutes < 60) return str(minutes, two_digits(whole % 60));
  return str(minutes / 60, two_digits(minutes % 60), two_digits(whole % 60));
}

std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2e", value);
  return text;
}

}  // namespace

std::string written(double value, Form form) {
  switch (form) {
    case Form::share:
      return percent(value);
    case Form::nats:
      return fixed(value, 3);
    case Form::rate:
      return scientific(value);
    case Form::seconds:
      return clock_time(value);
    case Form::throughput:
      return fixed(value, 0) + " images/s";
  }
  return {};
}

}  // namespace tl
