#include "tl/run/device.h"

#include "catch.h"
#include "error_of.h"

#include <string>

using namespace tl;

TEST_CASE("an unknown device is refused") {
  CHECK(choose_device("cpu").is_cpu());
  const Error error = error_of([] { choose_device("gpu"); });
  CHECK(error.code() == ExitCode::usage);
  CHECK(has(error.hint(), "cuda"));
  for (const char* wish : {"cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cpu:0", ""})
    CHECK(has(error_of([&] { choose_device(wish); }).what(), "unknown device"));
}

TEST_CASE("a number beyond all devices is not one of them") {
  for (const char* wish : {"cuda:255", "cuda:256", "cuda:99999999999"})
    CHECK(has(error_of([&] { choose_device(wish); }).what(), std::string("no device ") + wish));
}
