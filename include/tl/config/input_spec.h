// What a network wants to be fed: geometry for the data room, normalisation for the model room.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <string>

namespace tl {

enum class Interpolation { bilinear, bicubic };

struct InputSpec {
  int height = 224;  // pixels
  int width = 224;
  int resize = 256;  // the shorter side before the centre-crop, pixels
  Interpolation interpolation = Interpolation::bilinear;
  std::array<float, 3> mean = {0.485F, 0.456F, 0.406F};  // RGB in [0, 1], subtracted first
  std::array<float, 3> std = {0.229F, 0.224F, 0.225F};   // then divided by

  bool operator==(const InputSpec&) const = default;
};

// Reads {"input_size": 224 | [h, w], "resize", "interpolation", "mean", "std"}; absent keys keep
// the ImageNet convention above, and an absent "resize" is the shorter side of input_size / 0.875.
// Other keys are left alone. `where` names the file in errors. Throws Error(model) on a wrong type
// or an impossible value.
InputSpec input_spec_from_json(const nlohmann::json& json, const std::string& where);

// The same keys.
nlohmann::json to_json(const InputSpec& spec);

}  // namespace tl
