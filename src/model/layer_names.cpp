#include "model/layer_names.h"

namespace tl {

std::optional<std::size_t> last_layer_called(const std::vector<std::string>& layers,
                                             const std::string& name) {
  for (std::size_t i = layers.size(); i > 0; --i) {
    const std::string& layer = layers[i - 1];
    if (layer == name || layer.rfind(name + ".", 0) == 0) return i - 1;
  }
  return std::nullopt;
}

std::vector<std::string> names_for_layers(const std::vector<std::string>& layers) {
  std::vector<std::string> names;
  for (const std::string& layer : layers) {
    for (std::size_t dot = layer.find('.'); dot != layer.npos; dot = layer.find('.', dot + 1))
      names.push_back(layer.substr(0, dot));
    names.push_back(layer);
  }
  return names;
}

}  // namespace tl
