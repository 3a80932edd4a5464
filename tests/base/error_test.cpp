#include "tl/base/error.h"

#include "catch.h"

#include <new>
#include <stdexcept>

using tl::Error;
using tl::ExitCode;

TEST_CASE("an error reports what, where and a hint") {
  const Error error(ExitCode::data, "no images", "/photos", "put them there");
  CHECK(std::string(error.what()) == "no images");
  CHECK(error.code() == ExitCode::data);
  CHECK(error.report() == "error: no images\n  where: /photos\n  hint:  put them there");
}

TEST_CASE("an error leaves out what it does not know") {
  CHECK(Error(ExitCode::usage, "no").report() == "error: no");
  CHECK(Error(ExitCode::usage, "no", "here").report() == "error: no\n  where: here");
  CHECK(Error(ExitCode::usage, "no", "", "do").report() == "error: no\n  hint:  do");
}

TEST_CASE("no memory is told from what an error says") {
  CHECK(tl::is_out_of_memory(std::bad_alloc()));
  CHECK(tl::is_out_of_memory(std::runtime_error("CUDA out of memory. Tried to allocate 2 GiB")));
  CHECK(tl::is_out_of_memory(std::runtime_error("DefaultCPUAllocator: can't allocate memory")));
  CHECK_FALSE(tl::is_out_of_memory(std::runtime_error("a tensor has another shape")));
}

TEST_CASE("exit codes are those of the contract") {
  CHECK(static_cast<int>(ExitCode::ok) == 0);
  CHECK(static_cast<int>(ExitCode::defect) == 1);
  CHECK(static_cast<int>(ExitCode::usage) == 2);
  CHECK(static_cast<int>(ExitCode::data) == 3);
  CHECK(static_cast<int>(ExitCode::model) == 4);
  CHECK(static_cast<int>(ExitCode::failure) == 5);
  CHECK(static_cast<int>(ExitCode::interrupted) == 75);
}
