// Which axis of a feature map holds its channels.
#pragma once

#include "model/network.h"

#include <optional>

namespace tl {

// The axis that the last layer or norm in front of the value made, followed through what moves axes
// about. None where the way to it can't be followed.
std::optional<std::size_t> channel_axis(const Recording& recording, const torch::jit::Value* value);

}  // namespace tl
