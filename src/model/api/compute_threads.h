// How many threads LibTorch's loops take.
#pragma once

namespace tl {

// So many in loops of the thread that makes it, and of threads that compute for the first time,
// until it goes out of scope. To be made and ended costs less than a microsecond.
class ComputeThreads {
 public:
  explicit ComputeThreads(int count);
  ~ComputeThreads();
  ComputeThreads(const ComputeThreads&) = delete;
  ComputeThreads& operator=(const ComputeThreads&) = delete;

 private:
  int before_;
};

}  // namespace tl
