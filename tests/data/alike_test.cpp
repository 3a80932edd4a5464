#include "tl/data/alike.h"

#include "catch.h"
#include "temporary_folder.h"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <numeric>
#include <set>

using namespace tl;

namespace {

// Blobs of its own, 200 x 160.
cv::Mat picture(int seed) {
  cv::RNG random(seed);
  cv::Mat image(160, 200, CV_8UC3, cv::Scalar::all(random.uniform(60, 200)));
  for (int i = 0; i < 12; ++i) {
    const cv::Scalar colour(random.uniform(0, 255), random.uniform(0, 255), random.uniform(0, 255));
    cv::circle(image, {random.uniform(0, 200), random.uniform(0, 160)}, random.uniform(8, 50),
               colour, cv::FILLED);
  }
  return image;
}

std::vector<std::size_t> groups_of(const std::vector<cv::Mat>& images, int quality = 95) {
  const TemporaryFolder folder;
  Dataset dataset;
  dataset.root = folder.path();
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::string name = std::to_string(i) + ".jpg";
    cv::imwrite((folder / name).string(), images[i], {cv::IMWRITE_JPEG_QUALITY, quality});
    dataset.samples.push_back({name, 0, Split::train, i});
  }
  std::vector<std::size_t> all(images.size());
  std::iota(all.begin(), all.end(), 0);
  return groups_of_alike(dataset, all, {2});
}

}  // namespace

TEST_CASE("other pictures are none of each other's copies") {
  std::vector<cv::Mat> images;
  for (int seed = 0; seed < 40; ++seed)
    images.push_back(picture(seed));
  const auto groups = groups_of(images);
  CHECK(std::set<std::size_t>(groups.begin(), groups.end()).size() == 40);
}

TEST_CASE("another size, compression, brightness or a little noise makes no other picture") {
  for (int seed = 0; seed < 10; ++seed) {
    const cv::Mat image = picture(seed);
    cv::Mat smaller, brighter, noisy = image.clone(), noise(image.size(), image.type());
    cv::resize(image, smaller, {}, 0.6, 0.6, cv::INTER_AREA);
    image.convertTo(brighter, -1, 0.9, 20);
    cv::randn(noise, cv::Scalar::all(0), cv::Scalar::all(4));
    cv::add(image, noise, noisy);
    CHECK(groups_of({image, image, smaller, brighter, noisy, picture(seed + 100)}, 60) ==
          std::vector<std::size_t>{0, 0, 0, 0, 0, 5});
  }
}

TEST_CASE("pictures of one colour, or of the same shapes in other colours, are not alike") {
  const auto plain = [](int value) { return cv::Mat(64, 64, CV_8UC3, cv::Scalar::all(value)); };
  CHECK(groups_of({plain(90), plain(160)}) == std::vector<std::size_t>{0, 1});
  const auto disc = [](const cv::Scalar& colour) {
    cv::Mat image(100, 100, CV_8UC3, cv::Scalar::all(30));
    cv::circle(image, {40, 55}, 30, colour, cv::FILLED);
    return image;
  };
  CHECK(groups_of({disc({0, 150, 0}), disc({0, 0, 220})}) == std::vector<std::size_t>{0, 1});
}
