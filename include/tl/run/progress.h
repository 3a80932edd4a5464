// How far a piece of work is, for whoever waits for it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace tl {

using Progress = std::function<void(std::size_t done, std::size_t total)>;
// Shows a piece of work under a label.
using ProgressMaker = std::function<Progress(const std::string& label)>;

}  // namespace tl
