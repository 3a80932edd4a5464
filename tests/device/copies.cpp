#include "copies.h"

#include "memory.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>

#include <array>
#include <limits>
#include <mutex>
#include <vector>

namespace imitated_gpu {
namespace {

struct LateCopy {
  at::Tensor host;   // keeps its memory, as LibTorch's own allocator of pinned memory does
  at::Tensor bytes;  // as they were when the copy was asked for
  bool to_host;
};

std::mutex mutex;
std::array<std::vector<LateCopy>, devices> under_way;

std::vector<LateCopy>& under_way_on(c10::DeviceIndex device) {
  return under_way[static_cast<std::size_t>(device)];
}

void spoil(const at::Tensor& tensor) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  tensor.fill_(tensor.is_floating_point() ? at::Scalar(nan) : at::Scalar(77));
}

void copy_late(const at::Tensor& to, const at::Tensor& from) {
  const bool to_host = to.is_cpu();
  const at::Tensor& host = to_host ? to : from;
  TORCH_CHECK(is_pinned(host.storage().data()),
              "a copy that doesn't wait, but the host's memory is not pinned");
  const at::Tensor bytes = on_host(from).clone();
  to_host ? spoil(host) : void(on_host(to).copy_(bytes));
  const std::lock_guard lock(mutex);
  under_way_on((to_host ? from : to).get_device()).push_back({host, bytes, to_host});
}

}  // namespace

at::Tensor on_host(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::from_blob(host_view(tensor.const_data_ptr()), tensor.sizes(), tensor.strides(),
                       at::TensorOptions(tensor.scalar_type()));
}

at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool non_blocking) {
  if (to.numel() == 0) return to;
  const at::AutoDispatchBelowADInplaceOrView values_only;
  const bool crosses = to.is_cpu() != from.is_cpu();
  if (crosses && non_blocking) {
    copy_late(to, from.expand(to.sizes()));
    return to;
  }
  if (crosses) synchronise((to.is_cpu() ? from : to).get_device());
  on_host(to).copy_(on_host(from));
  return to;
}

void synchronise(c10::DeviceIndex device) {
  const at::AutoDispatchBelowADInplaceOrView values_only;
  const std::lock_guard lock(mutex);
  const auto copies = std::exchange(under_way_on(device), {});
  for (const LateCopy& late : copies) {
    if (late.to_host) late.host.copy_(late.bytes);
    // As bytes, for NaN is not itself.
    TORCH_CHECK(
        late.host.contiguous().view(at::kByte).equal(late.bytes.contiguous().view(at::kByte)),
        "memory has changed that a copy to a device was still reading");
  }
}

}  // namespace imitated_gpu
