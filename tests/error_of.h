// The error that an action throws; the test fails where it throws none.
#pragma once

#include "catch.h"
#include "tl/base/error.h"

#include <cstdlib>
#include <string>

template <typename Action>
tl::Error error_of(Action action) {
  try {
    action();
  } catch (const tl::Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  std::abort();
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
