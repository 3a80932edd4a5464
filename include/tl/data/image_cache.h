// Decoded images, kept in memory.
#pragma once

#include "tl/base/hash.h"

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <map>
#include <mutex>

namespace tl {

struct Sample;

// Images by the content of their files, until one no longer fits into a budget of memory. Safe to
// use from several threads.
class ImageCache {
 public:
  // `needed`: the pixels of the shorter side that its images are decoded with, see decode_image.
  ImageCache(std::uint64_t bytes, int needed) : room_(bytes), needed_(needed) {}

  int needed() const { return needed_; }
  // Whether the image, decoded with that `needed`, would have the pixels that are kept here.
  bool suits(const Sample& sample, int needed) const;

  bool is_full() const;
  void close();  // forgets all, and keeps nothing any more
  void keep(const Digest& content, const cv::Mat& image);
  // The image of a file of that content, or an empty one.
  cv::Mat find(const Digest& content) const;

 private:
  mutable std::mutex mutex_;
  std::map<Digest, cv::Mat> images_;
  std::uint64_t room_;
  bool full_ = false;
  const int needed_;
};

}  // namespace tl
