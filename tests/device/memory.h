// The memory of the imitated GPUs: what the host must not touch lies at addresses of its own, where
// host code that follows a pointer crashes; kernels find the bytes through host_view.
#pragma once

#include <c10/core/Allocator.h>
#include <c10/core/Device.h>

#include <cstddef>

namespace imitated_gpu {

constexpr c10::DeviceIndex devices = 2;
// Bytes that a device holds before it is out of memory; TL_GPU_MEGABYTES sets it at the start.
extern std::size_t capacity;

c10::DeviceIndex& current_device();  // of this thread

// Fresh memory of the current device; it is full of NaN.
c10::Allocator& device_allocator();
// Memory of the host that a copy may read or write while the host goes on.
c10::Allocator& pinned_allocator();
bool is_pinned(const void* pointer);

// Where the host finds the bytes; throws c10::Error where no device holds the pointer (any more).
void* host_view(const void* pointer);
c10::Device device_of(const void* pointer);

}  // namespace imitated_gpu
