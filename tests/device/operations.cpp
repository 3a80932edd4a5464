// Every operation on the imitated GPUs, done by the CPU's kernels on the same bytes. As on a GPU,
// all tensors must be on one device, but for the few that CUDA's kernels take from the host.
#include "copies.h"
#include "memory.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace imitated_gpu {
namespace {

constexpr c10::DispatchKeySet cpu_key(c10::DispatchKey::CPU);
constexpr c10::DispatchKeySet cuda_key(c10::DispatchKey::CUDA);

c10::Storage fresh_storage(std::size_t bytes) {
  return {c10::Storage::use_byte_size_t(), static_cast<std::int64_t>(bytes), &device_allocator(),
          /*resizable=*/true};
}

// The tensor with other memory.
at::Tensor over(c10::Storage storage, c10::DispatchKeySet key, const at::Tensor& like) {
  at::Tensor tensor =
      at::detail::make_tensor<c10::TensorImpl>(std::move(storage), key, like.dtype());
  c10::TensorImpl* bare = tensor.unsafeGetTensorImpl();
  bare->set_storage_offset(like.storage_offset());
  bare->set_sizes_and_strides(like.sizes(), like.strides());
  if (like.unsafeGetTensorImpl()->is_wrapped_number()) bare->set_wrapped_number(true);
  return tensor;
}

// The device tensors of one call, and CPU tensors over the same bytes. Tensors that share memory on
// one side share it on the other.
class Aliases {
 public:
  at::Tensor to_cpu(const at::Tensor& tensor) {
    c10::Storage& alias = cpu_[tensor.storage().unsafeGetStorageImpl()];
    if (!alias) {
      alias = c10::Storage(c10::Storage::use_byte_size_t(), tensor.storage().nbytes(),
                           {host_view(tensor.storage().data()), c10::Device(c10::kCPU)},
                           c10::GetCPUAllocator(), /*resizable=*/true);
      device_[alias.unsafeGetStorageImpl()] = tensor.storage();
    }
    tensors_.emplace_back(tensor, over(alias, cpu_key, tensor));
    return tensors_.back().second;
  }

  at::Tensor to_device(const at::Tensor& result) {
    for (const auto& [tensor, alias] : tensors_) {
      if (alias.is_same(result)) return tensor;
    }
    c10::Storage& storage = device_[result.storage().unsafeGetStorageImpl()];
    if (!storage) {
      storage = fresh_storage(result.storage().nbytes());
      take_bytes(storage, result.storage());
    }
    return over(storage, cuda_key, result);
  }

  // A kernel that made an alias larger gave it memory of its own.
  void follow_resizing() {
    for (const auto& [tensor, alias] : tensors_) {
      if (alias.storage().data() != host_view(tensor.storage().data())) {
        c10::StorageImpl* storage = tensor.storage().unsafeGetStorageImpl();
        storage->set_data_ptr_noswap(device_allocator().allocate(alias.storage().nbytes()));
        storage->set_nbytes(alias.storage().nbytes());
        take_bytes(tensor.storage(), alias.storage());
      }
      if (alias.sizes() == tensor.sizes() && alias.strides() == tensor.strides()) continue;
      tensor.unsafeGetTensorImpl()->set_sizes_and_strides(alias.sizes(), alias.strides());
    }
  }

 private:
  static void take_bytes(const c10::Storage& device, const c10::Storage& host) {
    if (host.nbytes() > 0) std::memcpy(host_view(device.data()), host.data(), host.nbytes());
  }

  std::map<c10::StorageImpl*, c10::Storage> cpu_, device_;
  std::vector<std::pair<at::Tensor, at::Tensor>> tensors_;
};

using Replacement = std::function<at::Tensor(const at::Tensor&)>;

at::Tensor replaced(const at::Tensor& tensor, const Replacement& replacement) {
  return tensor.defined() ? replacement(tensor) : tensor;
}

// All tensors in the value, alone or in a list.
void replace_tensors(c10::IValue& value, const Replacement& replacement) {
  if (value.isTensor()) {
    value = replaced(value.toTensor(), replacement);
  } else if (value.isTensorList()) {
    c10::List<at::Tensor> list;
    for (const at::Tensor& tensor : value.toTensorVector())
      list.push_back(replaced(tensor, replacement));
    value = list;
  } else if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> list;
    for (const auto& tensor : value.toOptionalTensorVector())
      list.push_back(tensor ? std::optional(replaced(*tensor, replacement)) : std::nullopt);
    value = list;
  }
}

bool may_be_on_host(const c10::OperatorHandle& operation, const c10::Argument& argument,
                    const at::Tensor& tensor) {
  const bool written = argument.alias_info() != nullptr && argument.alias_info()->isWrite();
  if (written) return false;
  if (argument.name() == "indices") return true;
  const std::string& name = operation.schema().name();
  return tensor.dim() == 0 &&
         (operation.hasTag(at::Tag::pointwise) || name == "aten::where" ||
          name.find("masked_fill") != name.npos || name.find("index_put") != name.npos);
}

[[noreturn]] void refuse_mixture(const c10::OperatorHandle& operation, const c10::Device& one,
                                 const c10::Device& other) {
  TORCH_CHECK(false, "Expected all tensors to be on the same device, but found ", one, " and ",
              other, " (", operation.operator_name(), ")");
}

void run_on_cpu(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  const auto& arguments = operation.schema().arguments();
  c10::IValue* inputs = stack->data() + stack->size() - arguments.size();
  std::optional<c10::Device> device;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    replace_tensors(inputs[i], [&](const at::Tensor& tensor) {
      if (tensor.is_cuda() && !device) device = tensor.device();
      if (tensor.is_cuda() && *device != tensor.device())
        refuse_mixture(operation, *device, tensor.device());
      return tensor;
    });
  }
  if (!device) device = c10::Device(c10::kCUDA, current_device());
  const c10::DeviceGuard guard(*device);
  if (operation.schema().name() == "aten::_local_scalar_dense") synchronise(device->index());

  Aliases aliases;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    replace_tensors(inputs[i], [&](const at::Tensor& tensor) {
      if (tensor.is_cuda()) return aliases.to_cpu(tensor);
      if (!may_be_on_host(operation, arguments[i], tensor))
        refuse_mixture(operation, *device, tensor.device());
      return tensor;
    });
    if (inputs[i].isDevice()) inputs[i] = c10::Device(c10::kCPU);
  }
  {
    const at::AutoDispatchBelowADInplaceOrView values_only;
    operation.redispatchBoxed(cpu_key, stack);
  }
  aliases.follow_resizing();
  const std::size_t results = operation.schema().returns().size();
  for (std::size_t i = stack->size() - results; i < stack->size(); ++i) {
    replace_tensors((*stack)[i],
                    [&](const at::Tensor& result) { return aliases.to_device(result); });
  }
}

// --- making tensors ---

void check_pinning(const std::optional<bool>& pin) {
  TORCH_CHECK(!pin.value_or(false), "only tensors of the host can be pinned");
}

c10::Device chosen(const std::optional<c10::Device>& device) {
  return {c10::kCUDA, device && device->has_index() ? device->index() : current_device()};
}

at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type,
                 std::optional<at::Layout>, std::optional<c10::Device> device,
                 std::optional<bool> pin, std::optional<at::MemoryFormat> format) {
  check_pinning(pin);
  const c10::DeviceGuard guard(chosen(device));
  return at::detail::empty_generic(sizes, &device_allocator(), cuda_key,
                                   c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides,
                         std::optional<at::ScalarType> type, std::optional<at::Layout>,
                         std::optional<c10::Device> device, std::optional<bool> pin) {
  check_pinning(pin);
  const c10::DeviceGuard guard(chosen(device));
  return at::detail::empty_strided_generic(sizes, strides, &device_allocator(), cuda_key,
                                           c10::dtype_or_default(type));
}

at::Tensor& set_storage(at::Tensor& tensor, c10::Storage storage, std::int64_t offset,
                        at::IntArrayRef sizes, at::IntArrayRef strides) {
  tensor.unsafeGetTensorImpl()->set_storage_keep_dtype(std::move(storage));
  tensor.unsafeGetTensorImpl()->set_storage_offset(offset);
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
  return tensor;
}

TORCH_LIBRARY_IMPL(_, CUDA, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("copy_", copy);
  library.impl("set_.source_Storage_storage_offset", set_storage);
  // LibTorch has kernels for all devices here, which would look for CUDA's.
  for (const char* whole : {"convolution", "_convolution", "convolution_backward"})
    library.impl(whole, torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}

}  // namespace
}  // namespace imitated_gpu
