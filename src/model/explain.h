// Why a network that PyTorch runs does not run here.
#pragma once

#include "model/lower.h"

#include <exception>
#include <string>

namespace tl {

// The message of an error in a network: the interpreter puts it between the call stack of the
// network and that of LibTorch.
std::string cause_of(const std::exception& error);

// What to do about a network that fails on a batch of images: whether a trace has fixed the number
// of images is tried.
std::string remedy_for(const torch::jit::Module& module, const at::Tensor& images);

}  // namespace tl
