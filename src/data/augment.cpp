#include "tl/data/augment.h"

#include "data/jitter.h"
#include "tl/base/hash.h"
#include "tl/base/random.h"
#include "tl/data/image.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

namespace tl {
namespace {

// A rectangle with a share of the image's area from `scale` and a width / height from `ratio`
// (uniform in its logarithm), anywhere in the image; none where ten tries do not fit.
std::optional<cv::Rect> random_rectangle(const cv::Size& image, const std::array<double, 2>& scale,
                                         const std::array<double, 2>& ratio, Random& random) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = image.area() * random.uniform(scale[0], scale[1]);
    const double aspect = std::exp(random.uniform(std::log(ratio[0]), std::log(ratio[1])));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(area * aspect)));
    const int height = static_cast<int>(std::nearbyint(std::sqrt(area / aspect)));
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue;
    const int top = static_cast<int>(random.below(image.height - height + 1));
    const int left = static_cast<int>(random.below(image.width - width + 1));
    return cv::Rect(left, top, width, height);
  }
  return std::nullopt;
}

// The largest rectangle in the middle whose width / height is within `ratio`.
cv::Rect central_rectangle(const cv::Size& image, const std::array<double, 2>& ratio) {
  const double aspect = static_cast<double>(image.width) / image.height;
  int width = image.width;
  int height = image.height;
  if (aspect < ratio[0]) height = static_cast<int>(std::nearbyint(width / ratio[0]));
  if (aspect > ratio[1]) width = static_cast<int>(std::nearbyint(height * ratio[1]));
  return {(image.width - width) / 2, (image.height - height) / 2, width, height};
}

cv::Mat crop(const cv::Mat& image, const std::optional<CropOptions>& options, const InputSpec& spec,
             Random random) {
  if (!options) return resize_and_center_crop(image, spec);
  const auto drawn = random_rectangle(image.size(), options->scale, options->ratio, random);
  const cv::Rect part = drawn ? *drawn : central_rectangle(image.size(), options->ratio);
  return resize(image(part), spec.height, spec.width, spec.interpolation);
}

void rotate(cv::Mat& image, double most_degrees, Random& random) {
  const cv::Point2f center(static_cast<float>(image.cols - 1) / 2,
                           static_cast<float>(image.rows - 1) / 2);
  const double degrees = random.uniform(-most_degrees, most_degrees);
  cv::Mat rotated;
  cv::warpAffine(image, rotated, cv::getRotationMatrix2D(center, degrees, 1.0), image.size(),
                 cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  image = rotated;
}

void blur(cv::Mat& image, const BlurOptions& options, Random& random) {
  const double sigma = random.uniform(options.sigma[0], options.sigma[1]);
  cv::GaussianBlur(image, image, cv::Size(), sigma);
}

void erase(cv::Mat& image, const EraseOptions& options, Random& random) {
  const cv::Scalar mean = cv::mean(image);
  const auto rectangle = random_rectangle(image.size(), options.scale, options.ratio, random);
  if (rectangle) image(*rectangle).setTo(mean);
}

bool is_on(const JitterOptions& options) {
  return std::max({options.brightness, options.contrast, options.saturation, options.hue}) > 0;
}

// A change of the image, in place, that comes with a probability.
struct Step {
  const char* name;    // of its random numbers: another name, other numbers
  double probability;  // 0: off
  std::function<void(cv::Mat& image, Random& random)> apply;  // with its magnitude
};

// In the order in which they are applied.
std::vector<Step> steps_of(const AugmentOptions& options) {
  return {
      {"flip", options.flip, [](cv::Mat& image, Random&) { cv::flip(image, image, 1); }},
      {"vertical_flip", options.vertical_flip,
       [](cv::Mat& image, Random&) { cv::flip(image, image, 0); }},
      {"rotation", options.rotation > 0 ? 1.0 : 0.0,
       [&](cv::Mat& image, Random& random) { rotate(image, options.rotation, random); }},
      {"jitter", is_on(options.jitter) ? 1.0 : 0.0,
       [&](cv::Mat& image, Random& random) { jitter(image, options.jitter, random); }},
      {"blur", options.blur.probability,
       [&](cv::Mat& image, Random& random) { blur(image, options.blur, random); }},
      {"erase", options.erase.probability,
       [&](cv::Mat& image, Random& random) { erase(image, options.erase, random); }},
  };
}

Random stream(const AugmentKey& key, const char* name) {
  return Random({key.seed, key.epoch, key.sample, hash64(name)});
}

}  // namespace

cv::Mat augment(const cv::Mat& image, const AugmentOptions& options, const InputSpec& spec,
                const AugmentKey& key) {
  cv::Mat result = crop(image, options.crop, spec, stream(key, "crop"));
  // Nothing was resized: the pixels are still those of the caller.
  if (result.datastart == image.datastart) result = result.clone();
  for (const Step& step : steps_of(options)) {
    if (step.probability == 0) continue;
    Random random = stream(key, step.name);
    if (random.chance(step.probability)) step.apply(result, random);
  }
  return result;
}

}  // namespace tl
