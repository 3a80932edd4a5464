#include "train/step_threads.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

namespace tl {

int step_threads(const at::Tensor& features, std::int64_t parameters) {
  constexpr std::int64_t little_work = 1 << 22;  // multiplications
  // Where features are vectors, each weight is used once for an image; where they are maps, often.
  const bool little = features.dim() == 2 && features.size(0) * parameters < little_work;
  return little ? 1 : at::get_num_threads();
}

}  // namespace tl
