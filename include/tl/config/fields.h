// The fields of an options struct, listed once for what goes over all of them.
#pragma once

#include <string_view>
#include <tuple>

// Stands behind a struct's fields and names each: TL_FIELDS(pool, hidden, dropout). A config's keys
// have the same names. `each_is_listed` does not compile where one is left out.
#define TL_FIELDS(...)                                          \
  static constexpr std::string_view field_names = #__VA_ARGS__; \
  auto fields() {                                               \
    return std::tie(__VA_ARGS__);                               \
  }                                                             \
  auto fields() const {                                         \
    return std::tie(__VA_ARGS__);                               \
  }                                                             \
  template <typename Struct>                                    \
  static void each_is_listed(const Struct& all) {               \
    [[maybe_unused]] const auto& [__VA_ARGS__] = all;           \
  }
