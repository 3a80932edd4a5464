#include "model/depthwise_kernel.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>

#include <algorithm>
#include <vector>

// The compiler makes one version for each kind of processor and picks at load time; what is called
// from there has to be compiled into it.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TL_FOR_EACH_PROCESSOR \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define TL_COMPILED_IN __attribute__((always_inline)) inline
#else
#define TL_FOR_EACH_PROCESSOR
#define TL_COMPILED_IN inline
#endif

namespace tl {
namespace {

// Channels that are worked on together: one register of AVX-512, two of AVX2.
constexpr std::int64_t lanes = 16;
using Floats = float __attribute__((vector_size(lanes * sizeof(float))));
struct alignas(lanes * sizeof(float)) Lanes {
  Floats values;
};

// Places of a row that are worked on together, their sums in registers: maps of networks for 224
// pixels are 7, 14, 28, 56 or 112 wide.
constexpr std::int64_t places = 7;

// Blocks of channels that share lines of the cache.
constexpr std::int64_t neighbours = 4;

// Parts of the batch whose weight gradients are summed up apart, and then in order.
constexpr std::int64_t parts = 8;

// Some channels of a map in fp32, with zeros around them in place of tests for the border.
struct Plane {
  Plane(std::int64_t rows, std::int64_t columns)
      : width(columns), cells(static_cast<std::size_t>(rows * columns)) {}
  TL_COMPILED_IN Lanes* at(std::int64_t y, std::int64_t x) { return &cells[y * width + x]; }
  TL_COMPILED_IN const Lanes* at(std::int64_t y, std::int64_t x) const {
    return &cells[y * width + x];
  }

  std::int64_t width;
  std::vector<Lanes> cells;
};

using Bits = std::uint32_t __attribute__((vector_size(lanes * sizeof(std::uint32_t))));
using HalfBits = std::uint16_t __attribute__((vector_size(lanes * sizeof(std::uint16_t))));

TL_COMPILED_IN void widen(const float* from, Lanes& to) {
  __builtin_memcpy(&to, from, sizeof(to));
}

TL_COMPILED_IN void widen(const c10::BFloat16* from, Lanes& to) {
  HalfBits half;
  __builtin_memcpy(&half, from, sizeof(half));
  to.values = reinterpret_cast<Floats>(__builtin_convertvector(half, Bits) << 16);
}

TL_COMPILED_IN void narrow(const Lanes& from, float* to) {
  __builtin_memcpy(to, &from, sizeof(from));
}

// Rounds halves to even; what is no number stays so.
TL_COMPILED_IN void narrow(const Lanes& from, c10::BFloat16* to) {
  const Bits bits = reinterpret_cast<Bits>(from.values);
  const Bits rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const Bits no_number = reinterpret_cast<Bits>(from.values != from.values);
  const auto half =
      __builtin_convertvector((no_number & 0x7FC0) | (~no_number & rounded), HalfBits);
  __builtin_memcpy(to, &half, sizeof(half));
}

template <typename T>
TL_COMPILED_IN void load(const T* from, std::int64_t channels, Lanes& to) {
  if (channels == lanes) return widen(from, to);
  T some[lanes] = {};
  for (std::int64_t c = 0; c < channels; ++c)
    some[c] = from[c];
  widen(some, to);
}

template <typename T>
TL_COMPILED_IN void store(const Lanes& from, std::int64_t channels, T* to) {
  if (channels == lanes) return narrow(from, to);
  T some[lanes];
  narrow(from, some);
  for (std::int64_t c = 0; c < channels; ++c)
    to[c] = some[c];
}

// One image's 16 channels: the output's gradient begins at (margin_y, margin_x), as far inside as a
// kernel reaches at most, and the input at (pad_y, pad_x).
struct Planes {
  explicit Planes(const DepthwiseShape& s)
      : margin_y(s.kernel_height / s.stride_y),
        margin_x(s.kernel_width / s.stride_x),
        grad(margin_y + std::max(s.out_height, (s.pad_y + s.in_height) / s.stride_y + 1),
             margin_x + std::max(s.out_width, (s.pad_x + s.in_width) / s.stride_x + places)),
        input(std::max((s.out_height - 1) * s.stride_y + s.kernel_height, s.pad_y + s.in_height),
              std::max((s.out_width - 1) * s.stride_x + s.kernel_width, s.pad_x + s.in_width)) {}

  std::int64_t margin_y, margin_x;
  Plane grad, input;
};

// The image's pixels lie `step` values apart.
template <typename T>
TL_COMPILED_IN void load(const T* image, std::int64_t height, std::int64_t width, std::int64_t step,
                         std::int64_t channels, std::int64_t top, std::int64_t left, Plane& to) {
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x)
      load(image + (y * width + x) * step, channels, *to.at(top + y, left + x));
  }
}

// Adds to the sums of `n` taps of a kernel's row.
template <int n>
TL_COMPILED_IN void sum_up(const DepthwiseShape& s, const Planes& planes, std::int64_t ky,
                           std::int64_t kx, Lanes* sums) {
  Lanes sum[n];
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k)
    sum[k] = sums[k];
  for (std::int64_t y = 0; y < s.out_height; ++y) {
    const Lanes* grad = planes.grad.at(planes.margin_y + y, planes.margin_x);
    const Lanes* input = planes.input.at(y * s.stride_y + ky, kx);
    for (std::int64_t x = 0; x < s.out_width; ++x) {
#pragma GCC unroll 8
      for (int k = 0; k < n; ++k)
        sum[k].values += grad[x].values * input[x * s.stride_x + k].values;
    }
  }
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k)
    sums[k] = sum[k];
}

TL_COMPILED_IN void add_weight_gradient(const DepthwiseShape& s, const Planes& planes,
                                        Lanes* sums) {
  for (std::int64_t ky = 0; ky < s.kernel_height; ++ky, sums += s.kernel_width) {
    if (s.kernel_width == 3) {
      sum_up<3>(s, planes, ky, 0, sums);
    } else if (s.kernel_width == 5) {
      sum_up<5>(s, planes, ky, 0, sums);
    } else if (s.kernel_width == 7) {
      sum_up<7>(s, planes, ky, 0, sums);
    } else {
      for (std::int64_t kx = 0; kx < s.kernel_width; ++kx)
        sum_up<1>(s, planes, ky, kx, sums + kx);
    }
  }
}

// The input at row y, column x saw output row (y + pad_y - ky) / stride_y under each ky for which
// that is whole: every stride_y-th one. Columns alike.
template <typename T>
TL_COMPILED_IN void write_input_gradient(const DepthwiseShape& s, const Planes& planes,
                                         const Lanes* taps, std::int64_t channels, T* image) {
  for (std::int64_t y = 0; y < s.in_height; ++y) {
    const std::int64_t first_ky = (y + s.pad_y) % s.stride_y;
    const std::int64_t oy = planes.margin_y + (y + s.pad_y) / s.stride_y;
    for (std::int64_t phase = 0; phase < s.stride_x; ++phase) {
      const std::int64_t first_kx = (phase + s.pad_x) % s.stride_x;
      for (std::int64_t x = phase; x < s.in_width; x += places * s.stride_x) {
        const std::int64_t ox = planes.margin_x + (x + s.pad_x) / s.stride_x;
        Lanes sum[places] = {};
        for (std::int64_t ky = first_ky, u = 0; ky < s.kernel_height; ky += s.stride_y, ++u) {
          for (std::int64_t kx = first_kx, t = 0; kx < s.kernel_width; kx += s.stride_x, ++t) {
            const Lanes tap = taps[ky * s.kernel_width + kx];
            const Lanes* grad = planes.grad.at(oy - u, ox - t);
#pragma GCC unroll 8
            for (int i = 0; i < places; ++i)
              sum[i].values += tap.values * grad[i].values;
          }
        }
        for (std::int64_t i = 0; i < places && x + i * s.stride_x < s.in_width; ++i)
          store(sum[i], channels, image + (y * s.in_width + x + i * s.stride_x) * s.channels);
      }
    }
  }
}

// Some images and some blocks of channels.
struct Task {
  std::int64_t first_image, last_image;
  std::int64_t first_block, last_block;
};

template <typename T>
struct Gradients {
  const T* grad;
  const T* input;
  const Lanes* taps;  // a kernel for each block of channels
  T* input_grad;
  Lanes* sums;  // alike
};

template <typename T>
TL_COMPILED_IN void work_on(const DepthwiseShape& s, const Task& task, const Gradients<T>& of,
                            Planes& planes) {
  const std::int64_t kernel = s.kernel_height * s.kernel_width;
  for (std::int64_t image = task.first_image; image < task.last_image; ++image) {
    for (std::int64_t block = task.first_block; block < task.last_block; ++block) {
      const std::int64_t channel = block * lanes;
      const std::int64_t channels = std::min(lanes, s.channels - channel);
      const std::int64_t in = image * s.in_height * s.in_width * s.channels + channel;
      const std::int64_t out = image * s.out_height * s.out_width * s.channels + channel;
      load(of.grad + out, s.out_height, s.out_width, s.channels, channels, planes.margin_y,
           planes.margin_x, planes.grad);
      load(of.input + in, s.in_height, s.in_width, s.channels, channels, s.pad_y, s.pad_x,
           planes.input);
      add_weight_gradient(s, planes, of.sums + block * kernel);
      write_input_gradient(s, planes, of.taps + block * kernel, channels, of.input_grad + in);
    }
  }
}

TL_FOR_EACH_PROCESSOR void work(const DepthwiseShape& s, const Task& task,
                                const Gradients<float>& of, Planes& planes) {
  work_on(s, task, of, planes);
}

TL_FOR_EACH_PROCESSOR void work(const DepthwiseShape& s, const Task& task,
                                const Gradients<c10::BFloat16>& of, Planes& planes) {
  work_on(s, task, of, planes);
}

}  // namespace

template <typename T>
void depthwise_gradients(const DepthwiseShape& s, const T* grad, const T* input, const float* taps,
                         T* input_grad, float* weight_grad) {
  const std::int64_t blocks = (s.channels + lanes - 1) / lanes;
  const std::int64_t kernel = s.kernel_height * s.kernel_width;
  const auto place = [&](std::int64_t tap, std::int64_t c) {
    return std::pair(static_cast<std::size_t>(c / lanes * kernel + tap), c % lanes);
  };
  std::vector<Lanes> packed(static_cast<std::size_t>(blocks * kernel));
  for (std::int64_t tap = 0; tap < kernel; ++tap) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const auto [at, lane] = place(tap, c);
      packed[at].values[lane] = taps[tap * s.channels + c];
    }
  }
  // Neighbours go to one thread, unless threads would be left with nothing.
  const bool few = parts * blocks < 2 * neighbours * at::get_num_threads();
  const std::int64_t together = few ? 1 : neighbours;
  const std::int64_t groups = (blocks + together - 1) / together;
  std::vector<std::vector<Lanes>> sums(parts, std::vector<Lanes>(packed.size()));
  at::parallel_for(0, parts * groups, 1, [&](std::int64_t begin, std::int64_t end) {
    Planes planes(s);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t part = i / groups;
      const std::int64_t first = i % groups * together;
      work(s,
           {s.batch * part / parts, s.batch * (part + 1) / parts, first,
            std::min(first + together, blocks)},
           {grad, input, packed.data(), input_grad, sums[part].data()}, planes);
    }
  });
  for (std::int64_t tap = 0; tap < kernel; ++tap) {
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const auto [at, lane] = place(tap, c);
      float sum = 0;
      for (const std::vector<Lanes>& part : sums)
        sum += part[at].values[lane];
      weight_grad[tap * s.channels + c] = sum;
    }
  }
}

template void depthwise_gradients(const DepthwiseShape&, const float*, const float*, const float*,
                                  float*, float*);
template void depthwise_gradients(const DepthwiseShape&, const c10::BFloat16*, const c10::BFloat16*,
                                  const float*, c10::BFloat16*, float*);

}  // namespace tl
