#include "model/depthwise_kernel.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <vector>

// The compiler makes one version for each kind of processor and picks at load time.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TL_FOR_EACH_PROCESSOR \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TL_FOR_EACH_PROCESSOR
#endif

namespace tl {
namespace {

// Channels that are worked on together: their sums stay in the first-level cache.
constexpr std::int64_t block = 64;
// Parts of the batch that are summed up apart, and then in order.
constexpr std::int64_t parts = 8;

// Adds grad * taps over `n` channels.
template <typename T>
inline void add_product(std::int64_t n, const T* a, const float* b, float* sum) {
  for (std::int64_t c = 0; c < n; ++c)
    sum[c] += static_cast<float>(a[c]) * b[c];
}

TL_FOR_EACH_PROCESSOR void add(std::int64_t n, const float* a, const float* b, float* sum) {
  add_product(n, a, b, sum);
}

TL_FOR_EACH_PROCESSOR void add(std::int64_t n, const c10::BFloat16* a, const float* b, float* sum) {
  add_product(n, a, b, sum);
}

TL_FOR_EACH_PROCESSOR void convert(std::int64_t n, const float* from, float* to) {
  for (std::int64_t c = 0; c < n; ++c)
    to[c] = from[c];
}

TL_FOR_EACH_PROCESSOR void convert(std::int64_t n, const c10::BFloat16* from, float* to) {
  for (std::int64_t c = 0; c < n; ++c)
    to[c] = static_cast<float>(from[c]);
}

TL_FOR_EACH_PROCESSOR void convert(std::int64_t n, const float* from, c10::BFloat16* to) {
  for (std::int64_t c = 0; c < n; ++c)
    to[c] = from[c];
}

// The kernel rows (or columns) that connect a place of the output with places of the input.
struct Range {
  std::int64_t first, last;
};

Range taps_inside(std::int64_t start, std::int64_t kernel, std::int64_t size) {
  return {std::max<std::int64_t>(0, -start), std::min(kernel, size - start)};
}

}  // namespace

template <typename T>
void depthwise_input_gradient(const DepthwiseShape& s, const T* grad, const float* taps, T* out) {
  at::parallel_for(0, s.batch * s.in_height, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> sum(static_cast<std::size_t>(s.channels));
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t image = row / s.in_height;
      const std::int64_t y = row % s.in_height;
      for (std::int64_t x = 0; x < s.in_width; ++x) {
        std::fill(sum.begin(), sum.end(), 0.0F);
        for (std::int64_t ky = 0; ky < s.kernel_height; ++ky) {
          const std::int64_t oy = y + s.pad_y - ky;
          if (oy < 0 || oy % s.stride_y != 0 || oy / s.stride_y >= s.out_height) continue;
          const T* line =
              grad + (image * s.out_height + oy / s.stride_y) * s.out_width * s.channels;
          for (std::int64_t kx = 0; kx < s.kernel_width; ++kx) {
            const std::int64_t ox = x + s.pad_x - kx;
            if (ox < 0 || ox % s.stride_x != 0 || ox / s.stride_x >= s.out_width) continue;
            add(s.channels, line + ox / s.stride_x * s.channels,
                taps + (ky * s.kernel_width + kx) * s.channels, sum.data());
          }
        }
        convert(s.channels, sum.data(), out + (row * s.in_width + x) * s.channels);
      }
    }
  });
}

namespace {

// Sums over the images [first, last) for `n` channels; each pointer stands at the first of them.
template <typename T>
void sum_over_images(const DepthwiseShape& s, std::int64_t first, std::int64_t last, std::int64_t n,
                     const T* grad, const T* input, float* sums) {
  float g[block];
  for (std::int64_t image = first; image < last; ++image) {
    for (std::int64_t oy = 0; oy < s.out_height; ++oy) {
      const std::int64_t y = oy * s.stride_y - s.pad_y;
      const Range rows = taps_inside(y, s.kernel_height, s.in_height);
      for (std::int64_t ox = 0; ox < s.out_width; ++ox) {
        const std::int64_t x = ox * s.stride_x - s.pad_x;
        const Range columns = taps_inside(x, s.kernel_width, s.in_width);
        convert(n, grad + ((image * s.out_height + oy) * s.out_width + ox) * s.channels, g);
        for (std::int64_t ky = rows.first; ky < rows.last; ++ky) {
          const T* line = input + ((image * s.in_height + y + ky) * s.in_width + x) * s.channels;
          for (std::int64_t kx = columns.first; kx < columns.last; ++kx) {
            add(n, line + kx * s.channels, g, sums + (ky * s.kernel_width + kx) * block);
          }
        }
      }
    }
  }
}

}  // namespace

template <typename T>
void depthwise_weight_gradient(const DepthwiseShape& s, const T* grad, const T* input, float* out) {
  const std::int64_t blocks = (s.channels + block - 1) / block;
  const std::int64_t taps = s.kernel_height * s.kernel_width;
  std::vector<float> sums(static_cast<std::size_t>(parts * blocks * taps * block));
  at::parallel_for(0, parts * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t part = task / blocks;
      const std::int64_t channel = task % blocks * block;
      sum_over_images(s, s.batch * part / parts, s.batch * (part + 1) / parts,
                      std::min(block, s.channels - channel), grad + channel, input + channel,
                      sums.data() + task * taps * block);
    }
  });
  std::fill(out, out + taps * s.channels, 0.0F);
  for (std::int64_t task = 0; task < parts * blocks; ++task) {
    const std::int64_t channel = task % blocks * block;
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const float* from = sums.data() + (task * taps + tap) * block;
      for (std::int64_t c = 0; c < std::min(block, s.channels - channel); ++c)
        out[tap * s.channels + channel + c] += from[c];
    }
  }
}

template void depthwise_input_gradient(const DepthwiseShape&, const float*, const float*, float*);
template void depthwise_input_gradient(const DepthwiseShape&, const c10::BFloat16*, const float*,
                                       c10::BFloat16*);
template void depthwise_weight_gradient(const DepthwiseShape&, const float*, const float*, float*);
template void depthwise_weight_gradient(const DepthwiseShape&, const c10::BFloat16*,
                                        const c10::BFloat16*, float*);

}  // namespace tl
