// Layers by the names that people give.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tl {

// The place of the last layer of that name, or in the module of that name.
std::optional<std::size_t> last_layer_called(const std::vector<std::string>& layers,
                                             const std::string& name);

// The layers and every module on the way to them.
std::vector<std::string> names_for_layers(const std::vector<std::string>& layers);

}  // namespace tl
