// How many threads a step of training is worth.
#pragma once

#include <cstdint>

namespace at {
class Tensor;
}

namespace tl {

// LibTorch's for a batch of features and so many trained parameters; one where the step is done
// before the others have woken up.
int step_threads(const at::Tensor& features, std::int64_t parameters);

}  // namespace tl
