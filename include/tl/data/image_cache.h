// Decoded images, kept in memory.
#pragma once

#include "tl/base/hash.h"

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <map>
#include <mutex>

namespace tl {

struct Sample;

// Images by the content of their files. The first one that no longer fits into `bytes` of memory
// closes the cache to new ones; none is ever dropped for another. Safe to use from several threads.
class ImageCache {
 public:
  // All its images are decoded for a shorter side of `needed` pixels, see decode_image.
  ImageCache(std::uint64_t bytes, int needed) : room_(bytes), needed_(needed) {}

  int needed() const { return needed_; }
  // Whether a sample decoded for a shorter side of `needed` pixels has the same pixels as the image
  // kept here, which was decoded for needed(): not where that means another scale of its JPEG.
  bool suits(const Sample& sample, int needed) const;

  bool is_full() const;
  // Gives the memory back and keeps nothing from now on, for a run that will read features.
  void close();
  // Takes the image, which nobody may change any more, unless the cache is full.
  void keep(const Digest& content, const cv::Mat& image);
  // The image of a file of that content; an empty one where none is kept.
  cv::Mat find(const Digest& content) const;

 private:
  mutable std::mutex mutex_;
  std::map<Digest, cv::Mat> images_;
  std::uint64_t room_;
  bool full_ = false;
  const int needed_;
};

}  // namespace tl
