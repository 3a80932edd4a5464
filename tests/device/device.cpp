// What LibTorch asks of a kind of device, answered for "cuda": which devices there are, which is
// the current one, and how to wait for it. Each has one stream. TL_GPU_CAPABILITY is the major
// number of its compute capability, 8 where it is not set.
#include "copies.h"
#include "memory.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/GeneratorImpl.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstdlib>
#include <utility>

namespace imitated_gpu {
namespace {

class DeviceGuard : public c10::impl::DeviceGuardImplInterface {
 public:
  c10::DeviceType type() const override { return c10::kCUDA; }
  c10::DeviceIndex deviceCount() const noexcept override { return devices; }
  c10::Device getDevice() const override { return {c10::kCUDA, current_device()}; }
  void setDevice(c10::Device device) const override {
    TORCH_CHECK(device.index() < devices, "there is no ", device);
    uncheckedSetDevice(device);
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    if (device.has_index()) current_device() = device.index();
  }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    setDevice(device);
    return before;
  }

  c10::Stream getStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device.has_index() ? device : getDevice());
  }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  bool queryStream(const c10::Stream& stream) const override {
    wait_for(stream.device_index());
    return true;
  }
  void synchronizeStream(const c10::Stream& stream) const override {
    wait_for(stream.device_index());
  }
  void synchronizeDevice(const c10::DeviceIndex device) const override { wait_for(device); }

 private:
  static void wait_for(c10::DeviceIndex device) {
    synchronise(device < 0 ? current_device() : device);
  }
};

// Random numbers come from the CPU's generator, which is seeded together with these.
class Generator : public c10::GeneratorImpl {
 public:
  explicit Generator(c10::DeviceIndex device)
      : GeneratorImpl(c10::Device(c10::kCUDA, device),
                      c10::DispatchKeySet(c10::DispatchKey::CUDA)) {}
  void set_current_seed(std::uint64_t seed) override { seed_ = seed; }
  std::uint64_t current_seed() const override { return seed_; }
  std::uint64_t seed() override { return seed_; }
  void set_offset(std::uint64_t) override {}
  std::uint64_t get_offset() const override { return 0; }
  void set_state(const c10::TensorImpl&) override {}
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return {}; }
  Generator* clone_impl() const override { return new Generator(device().index()); }

 private:
  std::uint64_t seed_ = 0;
};

const at::Generator& generator(c10::DeviceIndex device) {
  static const std::vector<at::Generator> all = {at::make_generator<Generator>(0),
                                                 at::make_generator<Generator>(1)};
  return all.at(static_cast<std::size_t>(device < 0 ? current_device() : device));
}

int capability() {
  const char* given = std::getenv("TL_GPU_CAPABILITY");
  return given == nullptr ? 8 : std::atoi(given);
}

}  // namespace
}  // namespace imitated_gpu

namespace at {

// LibTorch looks for it under this name.
struct CUDAHooks final : CUDAHooksInterface {
  explicit CUDAHooks(CUDAHooksArgs) {}
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  int getNumGPUs() const override { return imitated_gpu::devices; }
  DeviceIndex deviceCount() const override { return imitated_gpu::devices; }
  DeviceIndex current_device() const override { return imitated_gpu::current_device(); }
  DeviceIndex getCurrentDevice() const override { return imitated_gpu::current_device(); }
  void setCurrentDevice(DeviceIndex device) const override {
    imitated_gpu::current_device() = device;
  }
  DeviceIndex exchangeDevice(DeviceIndex device) const override {
    return std::exchange(imitated_gpu::current_device(), device);
  }
  DeviceIndex maybeExchangeDevice(DeviceIndex device) const override {
    return device < 0 ? getCurrentDevice() : exchangeDevice(device);
  }
  void deviceSynchronize(DeviceIndex device) const override { imitated_gpu::synchronise(device); }
  bool supportsBFloat16ConvolutionWithCuDNNv8() const override {
    return imitated_gpu::capability() >= 8;
  }
  bool isPinnedPtr(const void* pointer) const override { return imitated_gpu::is_pinned(pointer); }
  Allocator* getPinnedMemoryAllocator() const override { return &imitated_gpu::pinned_allocator(); }
  Device getDeviceFromPtr(void* pointer) const override { return imitated_gpu::device_of(pointer); }
  const Generator& getDefaultGenerator(DeviceIndex device) const override {
    return imitated_gpu::generator(device);
  }
};

REGISTER_CUDA_HOOKS(CUDAHooks)

}  // namespace at

namespace c10 {

REGISTER_ALLOCATOR(kCUDA, &imitated_gpu::device_allocator())

namespace impl {
static const DeviceGuardImplRegistrar registrar(kCUDA, new imitated_gpu::DeviceGuard);
}

}  // namespace c10
