// Where a program computes.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace tl {

// "auto", "cpu", "cuda" or "cuda:N". auto: the first CUDA device, or else the CPU.
// Throws Error(usage) on CUDA where there is none.
c10::Device choose_device(const std::string& wish);

// "cpu (2 threads)" or "cuda:0".
std::string device_name(const c10::Device& device);

// Process-wide: the number of compute threads (0: as many as cores), an allocator that keeps large
// tensors' pages for all threads instead of giving them back to the system after each step, and, on
// GPUs, cuDNN's deterministic algorithms and fp32 without TF32.
void set_up_process(int threads);
int compute_threads();

// Threads that decode images: what the config says, or as many as compute where it says 0.
int worker_count(int configured);

}  // namespace tl
