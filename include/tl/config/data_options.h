// What the data room takes: which images, and how those for training are changed.
#pragma once

#include "tl/config/fields.h"

#include <array>
#include <filesystem>
#include <optional>

namespace tl {

enum class BadImage { skip, fail };
constexpr auto words_of(BadImage) {
  return std::array{"skip", "fail"};
}

struct DataOptions {
  std::filesystem::path root;  // absolute
  double val = 0.15;           // fractions of each class; unused where root holds train/ and val/
  double test = 0.15;
  BadImage on_bad_image = BadImage::skip;
  int workers = 0;       // threads that decode and augment; 0: as many as compute threads
  double ram_gb = 0.25;  // decoded images that are kept in memory

  TL_FIELDS(root, val, test, on_bad_image, workers, ram_gb)
  bool operator==(const DataOptions&) const = default;
};

struct CropOptions {
  std::array<double, 2> scale = {0.5, 1.0};     // share of the image's area
  std::array<double, 2> ratio = {0.75, 1.333};  // width / height

  TL_FIELDS(scale, ratio)
  bool operator==(const CropOptions&) const = default;
};

struct JitterOptions {  // each: a factor from [1 - x, 1 + x]; hue: a shift from [-x, x] turns
  double brightness = 0.2;
  double contrast = 0.2;
  double saturation = 0.2;
  double hue = 0.0;

  TL_FIELDS(brightness, contrast, saturation, hue)
  bool operator==(const JitterOptions&) const = default;
};

struct BlurOptions {
  double probability = 0.0;
  std::array<double, 2> sigma = {0.1, 2.0};  // pixels of the network's input

  TL_FIELDS(probability, sigma)
  bool operator==(const BlurOptions&) const = default;
};

struct EraseOptions {
  double probability = 0.0;
  std::array<double, 2> scale = {0.02, 0.33};
  std::array<double, 2> ratio = {0.3, 3.3};

  TL_FIELDS(probability, scale, ratio)
  bool operator==(const EraseOptions&) const = default;
};

struct AugmentOptions {
  std::optional<CropOptions> crop = CropOptions{};  // none: resize and centre-crop as in evaluation
  double flip = 0.5;                                // probability of a left-right flip
  double vertical_flip = 0.0;
  double rotation = 0.0;  // degrees to either side
  JitterOptions jitter;
  BlurOptions blur;
  EraseOptions erase;

  TL_FIELDS(crop, flip, vertical_flip, rotation, jitter, blur, erase)
  bool operator==(const AugmentOptions&) const = default;
};

}  // namespace tl
