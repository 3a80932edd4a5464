#include "model/compute_threads.h"

#include <ATen/Parallel.h>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tl {
namespace {

void set([[maybe_unused]] int count) {
#ifdef _OPENMP
  omp_set_num_threads(count);
#endif
}

}  // namespace

ComputeThreads::ComputeThreads(int count) : before_(at::get_num_threads()) {
  set(count);
}

ComputeThreads::~ComputeThreads() {
  set(before_);
}

}  // namespace tl
