#include "tl/run/device.h"

#include "tl/base/refusal.h"
#include "tl/base/text.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <malloc.h>
#include <thread>

namespace tl {
namespace {

[[noreturn]] void refuse_name(const std::string& wish) {
  throw Error(ExitCode::usage, str("unknown device \"", wish, "\""), "device",
              "give auto, cpu, cuda or cuda:N");
}

// Of "cuda" or "cuda:N".
int cuda_index(const std::string& wish) {
  if (wish == "cuda") return 0;
  const std::string prefix = "cuda:";
  int index = 0;
  const char* end = wish.data() + wish.size();
  const bool named = wish.starts_with(prefix) && wish.size() > prefix.size();
  if (!named) refuse_name(wish);
  const auto read = std::from_chars(wish.data() + prefix.size(), end, index);
  if (read.ptr != end || index < 0 || read.ec == std::errc::invalid_argument) refuse_name(wish);
  return read.ec == std::errc() ? index : std::numeric_limits<int>::max();
}

}  // namespace

c10::Device choose_device(const std::string& wish) {
  const bool cuda = torch::cuda::is_available();
  if (wish == "auto") return cuda ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  if (wish == "cpu") return {c10::kCPU};
  const int index = cuda_index(wish);
  if (cuda && index < static_cast<int>(torch::cuda::device_count())) {
    return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
  }
  throw Refusal(ExitCode::usage,
                str("there is no device ", wish, " here: ",
                    cuda ? str("CUDA devices are 0 to ", torch::cuda::device_count() - 1)
                         : std::string("no CUDA device, or a LibTorch built without CUDA")),
                "device", "take auto or cpu", {Remedy::device});
}

std::string device_name(const c10::Device& device) {
  return device.is_cpu() ? str("cpu (", count(compute_threads(), "thread"), ")") : device.str();
}

void set_up_process(int threads) {
  // glibc would map and fault fresh pages for every large tensor of every step.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
  // One arena for all threads. With one each, what a thread frees is of no use to the next, and
  // goes back to the system when its arena is empty.
  mallopt(M_ARENA_MAX, 1);
  if (threads > 0) at::set_num_threads(threads);
  // On a GPU too the same run gives the same numbers, and fp32 is fp32.
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

int compute_threads() {
  return at::get_num_threads();
}

int worker_count(int configured) {
  return configured > 0 ? configured : compute_threads();
}

}  // namespace tl
