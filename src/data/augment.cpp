#include "tl/data/augment.h"

#include "data/jitter.h"
#include "tl/data/image.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

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

cv::Mat random_resized_crop(const cv::Mat& image, const CropOptions& options, const InputSpec& spec,
                            Random& random) {
  const auto drawn = random_rectangle(image.size(), options.scale, options.ratio, random);
  const cv::Rect crop = drawn ? *drawn : central_rectangle(image.size(), options.ratio);
  return resize(image(crop), spec.height, spec.width, spec.interpolation);
}

void rotate(cv::Mat& image, double degrees) {
  const cv::Point2f center(static_cast<float>(image.cols - 1) / 2,
                           static_cast<float>(image.rows - 1) / 2);
  cv::Mat rotated;
  cv::warpAffine(image, rotated, cv::getRotationMatrix2D(center, degrees, 1.0), image.size(),
                 cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  image = rotated;
}

void erase(cv::Mat& image, const EraseOptions& options, Random& random) {
  const cv::Scalar mean = cv::mean(image);
  const auto rectangle = random_rectangle(image.size(), options.scale, options.ratio, random);
  if (rectangle) image(*rectangle).setTo(mean);
}

}  // namespace

cv::Mat augment(const cv::Mat& image, const AugmentOptions& options, const InputSpec& spec,
                Random& random) {
  cv::Mat result = options.crop ? random_resized_crop(image, *options.crop, spec, random)
                                : resize_and_center_crop(image, spec);
  // Nothing was resized: the pixels are still those of the caller.
  if (result.datastart == image.datastart) result = result.clone();
  if (random.chance(options.flip)) cv::flip(result, result, 1);
  if (random.chance(options.vertical_flip)) cv::flip(result, result, 0);
  if (options.rotation > 0) {
    rotate(result, random.uniform(-options.rotation, options.rotation));
  }
  jitter(result, options.jitter, random);
  if (random.chance(options.blur.probability)) {
    const double sigma = random.uniform(options.blur.sigma[0], options.blur.sigma[1]);
    cv::GaussianBlur(result, result, cv::Size(), sigma);
  }
  if (random.chance(options.erase.probability)) erase(result, options.erase, random);
  return result;
}

}  // namespace tl
