// What every target does: hands bytes to a reader that may refuse them, by an Error of the right
// exit code, and in no other way.
#pragma once

#include "tl/base/error.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

template <typename Read>
void refuses_only_with(tl::ExitCode code, Read read) {
  try {
    read();
  } catch (const tl::Error& error) {
    if (error.code() == code) return;
    std::fprintf(stderr, "another exit code: %s\n", error.report().c_str());
    std::abort();
  }
}
