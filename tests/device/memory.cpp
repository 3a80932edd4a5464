#include "memory.h"

#include <c10/util/Exception.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <sys/mman.h>

namespace imitated_gpu {
namespace {

struct Block {
  std::size_t size;
  c10::DeviceIndex device;
  std::unique_ptr<std::byte[]> bytes;
};

// By first address. Never destroyed: LibTorch gives memory back after the end of main.
struct Memory {
  std::mutex mutex;
  std::map<const std::byte*, Block> blocks;
  std::array<std::size_t, devices> used{};
  std::map<const std::byte*, std::size_t> pinned;  // sizes
};

Memory& memory() {
  static auto* all = new Memory;
  return *all;
}

// The entry of `blocks` that begins at or before the address.
template <typename Blocks>
auto at_or_before(Blocks& blocks, const void* pointer) {
  const auto next = blocks.upper_bound(static_cast<const std::byte*>(pointer));
  return next == blocks.begin() ? blocks.end() : std::prev(next);
}

std::map<const std::byte*, Block>::iterator block_of(const void* pointer) {
  const auto found = at_or_before(memory().blocks, pointer);
  TORCH_CHECK(found != memory().blocks.end() &&
                  static_cast<const std::byte*>(pointer) < found->first + found->second.size,
              "no memory of a device, or memory that was given back");
  return found;
}

class DeviceAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    const c10::Device device(c10::kCUDA, current_device());
    if (size == 0) return {nullptr, nullptr, &release, device};
    const std::lock_guard lock(memory().mutex);
    auto& used = memory().used[static_cast<std::size_t>(device.index())];
    TORCH_CHECK_WITH(OutOfMemoryError, used + size <= capacity, "CUDA out of memory: ", used,
                     " bytes are in use, ", size, " were asked for");
    void* address = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK(address != MAP_FAILED, "no addresses are left");
    auto bytes = std::make_unique<std::byte[]>(size);
    std::memset(bytes.get(), 0xff, size);
    memory().blocks[static_cast<std::byte*>(address)] = {size, device.index(), std::move(bytes)};
    used += size;
    return {address, address, &release, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t size) const override {
    std::memcpy(host_view(to), host_view(from), size);
  }

 private:
  static void release(void* address) {
    if (address == nullptr) return;
    const std::lock_guard lock(memory().mutex);
    const auto block = block_of(address);
    memory().used[static_cast<std::size_t>(block->second.device)] -= block->second.size;
    munmap(address, block->second.size);
    memory().blocks.erase(block);
  }
};

class PinnedAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    auto* address = new std::byte[size];
    const std::lock_guard lock(memory().mutex);
    memory().pinned[address] = size;
    return {address, address, &release, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t size) const override {
    std::memcpy(to, from, size);
  }

 private:
  static void release(void* address) {
    const std::lock_guard lock(memory().mutex);
    memory().pinned.erase(static_cast<std::byte*>(address));
    delete[] static_cast<std::byte*>(address);
  }
};

std::size_t capacity_from_environment() {
  const char* megabytes = std::getenv("TL_GPU_MEGABYTES");
  return megabytes == nullptr ? SIZE_MAX : std::strtoull(megabytes, nullptr, 10) << 20;
}

}  // namespace

std::size_t capacity = capacity_from_environment();

c10::DeviceIndex& current_device() {
  thread_local c10::DeviceIndex device = 0;
  return device;
}

c10::Allocator& device_allocator() {
  static DeviceAllocator allocator;
  return allocator;
}

c10::Allocator& pinned_allocator() {
  static PinnedAllocator allocator;
  return allocator;
}

bool is_pinned(const void* pointer) {
  const std::lock_guard lock(memory().mutex);
  const auto found = at_or_before(memory().pinned, pointer);
  return found != memory().pinned.end() &&
         static_cast<const std::byte*>(pointer) < found->first + found->second;
}

void* host_view(const void* pointer) {
  if (pointer == nullptr) return nullptr;
  const std::lock_guard lock(memory().mutex);
  const auto block = block_of(pointer);
  return block->second.bytes.get() + (static_cast<const std::byte*>(pointer) - block->first);
}

c10::Device device_of(const void* pointer) {
  const std::lock_guard lock(memory().mutex);
  return {c10::kCUDA, block_of(pointer)->second.device};
}

}  // namespace imitated_gpu
