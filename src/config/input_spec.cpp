#include "tl/config/input_spec.h"

#include "tl/base/error.h"
#include "tl/base/json.h"
#include "tl/base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace tl {
namespace {

using nlohmann::json;

constexpr double largest_side = 4096;

[[noreturn]] void refuse(const char* key, const json& value, const char* allowed,
                         const std::string& where) {
  throw Error(ExitCode::model, str(key, " is ", dumped(value), ", but must be ", allowed), where,
              "correct it there, or say what is right in backbone.input of the config");
}

int pixels(const char* key, const json& value, const std::string& where) {
  const double number = value.is_number() ? value.get<double>() : 0.0;
  if (!(number >= 1.0 && number <= largest_side) || number != std::floor(number)) {
    refuse(key, value, "a whole number of pixels from 1 to 4096", where);
  }
  return static_cast<int>(number);
}

std::array<float, 3> channels(const char* key, const json& value, const std::string& where) {
  constexpr const char* allowed = "a list of 3 numbers";
  if (!value.is_array() || value.size() != 3) refuse(key, value, allowed, where);
  std::array<float, 3> numbers{};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!value[i].is_number()) refuse(key, value, allowed, where);
    numbers[i] = value[i].get<float>();
    if (!std::isfinite(numbers[i])) refuse(key, value, allowed, where);
  }
  return numbers;
}

void read_size(InputSpec& spec, const json& size, const std::string& where) {
  if (size.is_array() && size.size() == 2) {
    spec.height = pixels("input_size", size[0], where);
    spec.width = pixels("input_size", size[1], where);
  } else if (size.is_number()) {
    spec.height = spec.width = pixels("input_size", size, where);
  } else {
    refuse("input_size", size, "a number of pixels or [height, width]", where);
  }
}

Interpolation interpolation(const json& value, const std::string& where) {
  if (value == "bilinear") return Interpolation::bilinear;
  if (value == "bicubic") return Interpolation::bicubic;
  refuse("interpolation", value, "\"bilinear\" or \"bicubic\"", where);
}

// With as few digits as the floats need.
json channels_json(const std::array<float, 3>& numbers) {
  json list = json::array();
  for (const float number : numbers)
    list.push_back(json::parse(shortest(number)));
  return list;
}

}  // namespace

InputSpec input_spec_from_json(const json& object, const std::string& where) {
  if (!object.is_object()) refuse("the input description", object, "an object", where);
  InputSpec spec;
  if (object.contains("input_size")) read_size(spec, object["input_size"], where);
  const int shorter = std::min(spec.height, spec.width);
  spec.resize = static_cast<int>(std::lround(shorter / 0.875));
  if (object.contains("resize")) spec.resize = pixels("resize", object["resize"], where);
  if (spec.resize < shorter) {
    refuse("resize", spec.resize, "at least the shorter side of input_size", where);
  }
  if (object.contains("interpolation")) {
    spec.interpolation = interpolation(object["interpolation"], where);
  }
  if (object.contains("mean")) spec.mean = channels("mean", object["mean"], where);
  if (object.contains("std")) spec.std = channels("std", object["std"], where);
  if (*std::min_element(spec.std.begin(), spec.std.end()) <= 0.0F) {
    refuse("std", object["std"], "above 0 in each channel", where);
  }
  return spec;
}

json to_json(const InputSpec& spec) {
  const bool square = spec.height == spec.width;
  return {{"input_size", square ? json(spec.height) : json::array({spec.height, spec.width})},
          {"resize", spec.resize},
          {"interpolation", spec.interpolation == Interpolation::bicubic ? "bicubic" : "bilinear"},
          {"mean", channels_json(spec.mean)},
          {"std", channels_json(spec.std)}};
}

}  // namespace tl
