#include "tl/data/image.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>

namespace tl {
namespace {

// A 1 x 3 x H x W view (channels last) of the image's pixels.
at::Tensor as_tensor(const cv::Mat& image) {
  const std::int64_t height = image.rows;
  const std::int64_t width = image.cols;
  return at::from_blob(image.data, {1, 3, height, width}, {height * width * 3, 1, width * 3, 3},
                       at::kByte);
}

}  // namespace

cv::Mat resize(const cv::Mat& image, int height, int width, Interpolation interpolation) {
  if (image.rows == height && image.cols == width) return image;
  const c10::InferenceMode no_gradients;
  const cv::Mat source = image.isContinuous() ? image : image.clone();
  cv::Mat resized(height, width, CV_8UC3);
  at::Tensor out = as_tensor(resized);
  if (interpolation == Interpolation::bicubic) {
    at::_upsample_bicubic2d_aa_out(out, as_tensor(source), {height, width}, false);
  } else {
    at::_upsample_bilinear2d_aa_out(out, as_tensor(source), {height, width}, false);
  }
  return resized;
}

}  // namespace tl
