// The gradients of a depthwise convolution, channels last, for float and at::BFloat16.
#pragma once

#include <cstdint>

namespace tl {

struct DepthwiseShape {
  std::int64_t batch, channels;
  std::int64_t in_height, in_width, out_height, out_width;
  std::int64_t kernel_height, kernel_width;
  std::int64_t stride_y, stride_x, pad_y, pad_x;
};

// grad: batch x out_height x out_width x channels, of the output.
// input, input_grad: batch x in_height x in_width x channels.
// taps, weight_grad: kernel_height x kernel_width x channels.
// Writes both gradients; sums don't depend on the number of threads.
template <typename T>
void depthwise_gradients(const DepthwiseShape& shape, const T* grad, const T* input,
                         const float* taps, T* input_grad, float* weight_grad);

}  // namespace tl
