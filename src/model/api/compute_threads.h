// How many threads LibTorch's loops take, for a while.
#pragma once

namespace tl {

// Sets the number, and sets it back when it goes out of scope. That holds for the loops of the
// thread that makes it, and of threads that run their first loop meanwhile. It costs less than a
// microsecond, so a training step may have a number of its own.
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
