#include "tl/data/image_cache.h"

#include "scratch.h"
#include "tl/base/hash.h"
#include "tl/data/dataset.h"

using namespace tl;
using namespace tl::test;

TEST_CASE("decoded images are kept until one does not fit") {
  const cv::Mat image(10, 10, CV_8UC3);
  ImageCache cache(700, 10);
  for (const char* content : {"one", "two"}) {
    cache.keep(digest(content), image);
    CHECK_FALSE(cache.find(digest(content)).empty());
  }
  CHECK_FALSE(cache.is_full());
  cache.keep(digest("three"), image);
  CHECK(cache.is_full());
  CHECK(cache.find(digest("three")).empty());
  CHECK_FALSE(cache.find(digest("one")).empty());
}

TEST_CASE("a closed cache holds nothing") {
  const cv::Mat image(10, 10, CV_8UC3);
  ImageCache cache(700, 10);
  cache.keep(digest("one"), image);
  cache.close();
  CHECK(cache.is_full());
  cache.keep(digest("two"), image);
  for (const char* content : {"one", "two"})
    CHECK(cache.find(digest(content)).empty());
}

TEST_CASE("the same content twice takes room once") {
  const cv::Mat image(10, 10, CV_8UC3);
  ImageCache cache(700, 10);
  for (int i = 0; i < 5; ++i)
    cache.keep(digest("one"), image);
  cache.keep(digest("two"), image);
  CHECK_FALSE(cache.find(digest("two")).empty());
}

TEST_CASE("a kept image suits whoever would decode it at the same part of its size") {
  const ImageCache cache(700, 100);
  Sample sample{"a.jpg", 0, Split::train, 1, digest("a"), 400, 300};  // at a half: 200 x 150
  CHECK(cache.suits(sample, 100));
  CHECK(cache.suits(sample, 150));
  CHECK_FALSE(cache.suits(sample, 151));  // whole
  CHECK_FALSE(cache.suits(sample, 75));   // a quarter
  sample.width = sample.height = 0;       // unknown
  CHECK(cache.suits(sample, 100));
  CHECK_FALSE(cache.suits(sample, 101));
  sample.content = {};
  CHECK_FALSE(cache.suits(sample, 100));
}
