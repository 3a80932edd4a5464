// The form in which a network takes its images.
#pragma once

#include "tl/config/options.h"
#include "tl/model/backbone_file.h"

#include <ATen/core/Tensor.h>

namespace tl {

// The type of activations in that precision, which is fp32 or bf16.
at::ScalarType scalar_type(Precision precision);

// images: uint8, N x H x W x 3, RGB. Returns float, N x 3 x H x W, in channels-last memory on the
// device, normalised unless the network does that itself.
at::Tensor to_input(const at::Tensor& images, const FileInfo& info, const at::Device& device);

}  // namespace tl
