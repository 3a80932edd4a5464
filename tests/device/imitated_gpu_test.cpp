// The imitated GPUs find what they are there to find, and compute what the CPU computes.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/function.h>
// clang-format off: behind LibTorch, which defines a CHECK of its own
#undef CHECK
#include "catch.h"
// clang-format on

#include "device/memory.h"

#include <cerrno>
#include <cmath>
#include <unistd.h>

namespace {

const c10::Device first(c10::kCUDA, 0);
const c10::Device second(c10::kCUDA, 1);

at::Tensor pinned(const at::Tensor& tensor) {
  return tensor.pin_memory();
}

void wait_for(const c10::Device& device) {
  c10::impl::VirtualGuardImpl(c10::kCUDA).synchronizeDevice(device.index());
}

}  // namespace

TEST_CASE("tensors of different devices don't go together") {
  const at::Tensor a = at::ones({3}, first);
  CHECK_THROWS_AS(a + at::ones({3}), c10::Error);
  CHECK_THROWS_AS(a + at::ones({3}, second), c10::Error);
  CHECK_THROWS_AS(at::ones({3}).add_(a), c10::Error);
  CHECK_THROWS_AS(at::linear(a, at::ones({2, 3})), c10::Error);
  CHECK((a + at::ones({}))[0].item<float>() == 2);  // as on a GPU
  CHECK((a + a.to(second).to(first)).sum().item<float>() == 6);
}

TEST_CASE("the host can't read a device's memory") {
  const at::Tensor tensor = at::ones({4}, first);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK(write(ends[1], tensor.const_data_ptr(), 4) == -1);
  CHECK(errno == EFAULT);
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("fresh memory is no number, and freed memory is gone") {
  const void* freed = nullptr;
  {
    const at::Tensor tensor = at::empty({2}, first);
    CHECK(std::isnan(tensor[1].item<float>()));
    freed = tensor.const_data_ptr();
  }
  CHECK_THROWS_AS(imitated_gpu::host_view(freed), c10::Error);
}

TEST_CASE("a late copy to the host that nobody waited for is seen") {
  const at::Tensor host = at::ones({3}, first).to(at::kCPU, /*non_blocking=*/true);
  CHECK(std::isnan(host[0].item<float>()));
  wait_for(first);
  CHECK(host[0].item<float>() == 1);
}

TEST_CASE("memory that changes while a copy to a device reads it is seen") {
  const at::Tensor host = pinned(at::ones({3}));
  const at::Tensor device = host.to(first, /*non_blocking=*/true);
  SECTION("changed after waiting") {
    CHECK(device.sum().item<float>() == 3);
    host.fill_(2);
    wait_for(first);
  }
  SECTION("changed before") {
    host.fill_(2);
    CHECK_THROWS_AS(device.sum().item<float>(), c10::Error);
  }
}

TEST_CASE("a copy that doesn't wait takes pinned memory") {
  CHECK_THROWS_AS(at::ones({3}).to(first, /*non_blocking=*/true), c10::Error);
}

TEST_CASE("a device can be out of memory, and have some again") {
  imitated_gpu::capacity = 100 * sizeof(float);
  {
    const at::Tensor half = at::ones({60}, first);
    CHECK_THROWS_AS(at::ones({60}, first), c10::OutOfMemoryError);
    CHECK(at::ones({60}, second).numel() == 60);
  }
  CHECK(at::ones({60}, first).numel() == 60);
  imitated_gpu::capacity = SIZE_MAX;
}

TEST_CASE("results and gradients are the CPU's") {
  const auto gradient = [](const c10::Device& device) {
    at::manual_seed(3);
    const at::Tensor images = at::randn({2, 3, 8, 8}).to(device);
    at::Tensor weights = at::randn({4, 3, 3, 3}).to(device).requires_grad_();
    const at::Tensor x =
        at::batch_norm(at::conv2d(images, weights), {}, {}, {}, {}, true, 0.1, 1e-5, false);
    at::max_pool2d(x.relu(), 2).mean({2, 3}).log_softmax(1).select(1, 2).sum().backward();
    return weights.grad().to(at::kCPU);
  };
  CHECK(at::equal(gradient(first), gradient(at::kCPU)));
  CHECK(at::equal(gradient(second), gradient(at::kCPU)));
}

TEST_CASE("views share memory, and in-place operations reach it") {
  at::Tensor tensor = at::zeros({4}, first);
  tensor.slice(0, 1, 3).add_(1);
  CHECK(tensor.sum().item<float>() == 2);
  at::Tensor sum = at::empty({0}, first);
  at::add_out(sum, tensor, tensor);  // which makes it larger
  CHECK(sum.sum().item<float>() == 4);
}
