// How many threads LibTorch's loops take.
#pragma once

namespace tl {

// So many in loops that this thread begins, until it goes out of scope. at::set_num_threads, which
// is for all threads, would also make a pool anew each time and drop what oneDNN keeps.
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
