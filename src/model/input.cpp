#include "model/api/input.h"

#include <ATen/core/TensorBody.h>
#include <ATen/ops/tensor.h>

namespace tl {

at::ScalarType scalar_type(Precision precision) {
  return precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
}

// The same three operations as ToTensor and Normalize and as in a saved model, so that results are
// theirs to the last bit.
at::Tensor to_input(const at::Tensor& images, const FileInfo& info, const at::Device& device) {
  // To a GPU the copy waits: the memory of the caller is not pinned, and soon used again.
  at::Tensor x = images.to(device).permute({0, 3, 1, 2}).to(at::kFloat);
  x.div_(255);
  if (info.normalises) return x;
  const auto constant = [&](const std::array<float, 3>& values) {
    return at::tensor(at::ArrayRef<float>(values), device).view({1, 3, 1, 1});
  };
  return x.sub_(constant(info.input.mean)).div_(constant(info.input.std));
}

}  // namespace tl
