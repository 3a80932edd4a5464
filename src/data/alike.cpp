#include "tl/data/alike.h"

#include "data/verify.h"
#include "tl/data/image.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <numeric>
#include <unordered_map>

namespace tl {
namespace {

constexpr int side = 64;                    // of what is compared
constexpr int most_bits_apart = 6;          // of 64
constexpr double least_alike = 0.98;        // correlation
constexpr int bands = most_bits_apart + 1;  // hashes that near are equal in one of so many parts

// side x side, RGB, float.
cv::Mat small_picture(const std::filesystem::path& file) {
  cv::Mat picture;
  cv::resize(decode_image(file, side), picture, {side, side}, 0, 0, cv::INTER_AREA);
  picture.convertTo(picture, CV_32F);
  return picture;
}

// A bit for each of the 8 x 8 lowest frequencies: above their median or not.
std::uint64_t perceptual_hash(const cv::Mat& picture) {
  cv::Mat frequencies;
  cv::cvtColor(picture, frequencies, cv::COLOR_RGB2GRAY);
  cv::dct(frequencies, frequencies);
  std::array<float, 64> lowest{};
  for (int i = 0; i < 64; ++i)
    lowest[i] = frequencies.at<float>(i / 8, i % 8);
  lowest[0] = 0;  // the brightness
  auto sorted = lowest;
  std::nth_element(sorted.begin(), sorted.begin() + 32, sorted.end());
  std::uint64_t hash = 0;
  for (int i = 0; i < 64; ++i)
    hash |= std::uint64_t{lowest[i] > sorted[32]} << i;
  return hash;
}

// Over all pixels and colours; 0 where a picture has but one value.
double correlation(const cv::Mat& a, const cv::Mat& b) {
  const auto spread = [](const cv::Mat& picture) {
    cv::Scalar mean;
    cv::Scalar deviation;
    cv::meanStdDev(picture.reshape(1), mean, deviation);
    return std::pair(mean[0], deviation[0]);
  };
  const auto [mean_a, deviation_a] = spread(a);
  const auto [mean_b, deviation_b] = spread(b);
  if (deviation_a < 1 || deviation_b < 1) return 0;
  const double numbers = static_cast<double>(a.total()) * a.channels();
  return (a.dot(b) / numbers - mean_a * mean_b) / (deviation_a * deviation_b);
}

// Sets that grow together.
class Groups {
 public:
  explicit Groups(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  std::size_t of(std::size_t i) {
    while (parent_[i] != i)
      i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void unite(std::size_t a, std::size_t b) {
    parent_[std::max(of(a), of(b))] = std::min(of(a), of(b));
  }

 private:
  std::vector<std::size_t> parent_;
};

// Calls use(i, j) for pairs of hashes that differ in at most so many bits, i < j.
template <typename Use>
void for_each_near_pair(const std::vector<std::uint64_t>& hashes, const Use& use) {
  for (int band = 0; band < bands; ++band) {
    const int first = 64 * band / bands;
    const int last = 64 * (band + 1) / bands;
    const auto part = [&](std::uint64_t hash) {
      return hash << (64 - last) >> (64 - last + first);
    };
    std::unordered_map<std::uint64_t, std::vector<std::size_t>> alike;
    for (std::size_t j = 0; j < hashes.size(); ++j) {
      std::vector<std::size_t>& before = alike[part(hashes[j])];
      for (const std::size_t i : before) {
        if (std::popcount(hashes[i] ^ hashes[j]) <= most_bits_apart) use(i, j);
      }
      before.push_back(j);
    }
  }
}

}  // namespace

std::vector<std::size_t> groups_of_alike(const Dataset& dataset,
                                         const std::vector<std::size_t>& samples,
                                         const CheckOptions& how) {
  const auto picture = [&](std::size_t i) {
    return small_picture(dataset.root / dataset.samples[samples[i]].path);
  };
  std::vector<std::uint64_t> hashes(samples.size());
  for_each_image(samples.size(), how,
                 [&](std::size_t i) { hashes[i] = perceptual_hash(picture(i)); });

  Groups groups(samples.size());
  std::map<std::size_t, cv::Mat> pictures;  // that were compared
  const auto kept = [&](std::size_t i) -> const cv::Mat& {
    const auto [found, is_new] = pictures.try_emplace(i);
    if (is_new) found->second = picture(i);
    return found->second;
  };
  for_each_near_pair(hashes, [&](std::size_t i, std::size_t j) {
    if (groups.of(i) == groups.of(j)) return;
    const bool same_file =
        dataset.samples[samples[i]].content != Digest{} &&
        dataset.samples[samples[i]].content == dataset.samples[samples[j]].content;
    if (same_file || correlation(kept(i), kept(j)) >= least_alike) groups.unite(i, j);
  });
  std::vector<std::size_t> numbers(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i)
    numbers[i] = groups.of(i);
  return numbers;
}

}  // namespace tl
