#include "model/api/compute_threads.h"

#include "catch.h"

#include <ATen/Parallel.h>

using namespace tl;

TEST_CASE("LibTorch's loops take so many threads until the end of the scope") {
  const int before = at::get_num_threads();
  {
    const ComputeThreads three(3);
    CHECK(at::get_num_threads() == 3);
    {
      const ComputeThreads one(1);
      CHECK(at::get_num_threads() == 1);
    }
    CHECK(at::get_num_threads() == 3);
  }
  CHECK(at::get_num_threads() == before);
}
