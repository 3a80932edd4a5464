#include "tl/eval/fields.h"

#include "tl/base/text.h"

#include <cmath>
#include <cstdio>

namespace tl {
namespace {

std::string clock_time(double seconds) {
  const auto whole = std::llround(seconds);
  return str(whole / 60, whole % 60 < 10 ? ":0" : ":", whole % 60);
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
