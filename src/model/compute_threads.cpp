#include "model/api/compute_threads.h"

#include <ATen/Parallel.h>

namespace tl {

ComputeThreads::ComputeThreads(int count) : before_(at::get_num_threads()) {
  at::set_num_threads(count);
}

ComputeThreads::~ComputeThreads() {
  at::set_num_threads(before_);
}

}  // namespace tl
