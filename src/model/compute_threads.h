// How many threads LibTorch computes on.
#pragma once

#include <ATen/Parallel.h>

namespace tl {

// So many in calls of this thread, until it goes out of scope.
class ComputeThreads {
 public:
  explicit ComputeThreads(int count) : before_(at::get_num_threads()) {
    if (count != before_) at::set_num_threads(count);
  }
  ~ComputeThreads() {
    if (at::get_num_threads() != before_) at::set_num_threads(before_);
  }
  ComputeThreads(const ComputeThreads&) = delete;
  ComputeThreads& operator=(const ComputeThreads&) = delete;

 private:
  int before_;
};

}  // namespace tl
