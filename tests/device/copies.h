// Copies between host and device. One that doesn't wait is as late as it may be: what it brings to
// the host is there when the host has waited for the device and not before, and what it takes from
// the host must not change until then.
#pragma once

#include <ATen/core/Tensor.h>

namespace imitated_gpu {

// A device tensor's elements, for the CPU's kernels.
at::Tensor on_host(const at::Tensor& tensor);

at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool non_blocking);

// The host waits for the device. Throws c10::Error where memory changed that a copy was still
// reading.
void synchronise(c10::DeviceIndex device);

}  // namespace imitated_gpu
