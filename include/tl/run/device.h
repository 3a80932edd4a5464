// Where a program computes.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace tl {

// "auto", "cpu", "cuda" or "cuda:N". auto: the first CUDA device, or else the CPU.
// Throws Error(usage) on CUDA where there is none.
c10::Device choose_device(const std::string& wish);

// "cpu (2 threads)" or "cuda:0 (NVIDIA H200)".
std::string device_name(const c10::Device& device);

// Process-wide: the number of compute threads (0: as many as cores), and an allocator that keeps
// large tensors' pages instead of giving them back to the system after each step.
void set_up_process(int threads);
int compute_threads();

// The share of those that decode images, where the config says 0.
int worker_count(int configured);

}  // namespace tl
