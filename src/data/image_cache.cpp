#include "tl/data/image_cache.h"

#include "tl/data/dataset.h"
#include "tl/data/image.h"

namespace tl {

bool ImageCache::suits(const Sample& sample, int needed) const {
  if (sample.content == Digest{}) return false;
  if (needed == needed_) return true;
  return sample.width > 0 && reduction(sample.width, sample.height, needed) ==
                                 reduction(sample.width, sample.height, needed_);
}

bool ImageCache::is_full() const {
  const std::lock_guard lock(mutex_);
  return full_;
}

void ImageCache::close() {
  const std::lock_guard lock(mutex_);
  full_ = true;
  images_.clear();
}

void ImageCache::keep(const Digest& content, const cv::Mat& image) {
  const std::uint64_t bytes = image.total() * image.elemSize();
  const std::lock_guard lock(mutex_);
  full_ |= bytes > room_;
  if (!full_ && images_.emplace(content, image).second) room_ -= bytes;
}

cv::Mat ImageCache::find(const Digest& content) const {
  const std::lock_guard lock(mutex_);
  const auto found = images_.find(content);
  return found == images_.end() ? cv::Mat() : found->second;
}

}  // namespace tl
