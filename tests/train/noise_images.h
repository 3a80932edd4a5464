// A data set of a moment, and a network for it.
#pragma once

#include "tl/train/features.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "open_dataset.h"
#include "temporary_folder.h"

#include <opencv2/imgcodecs.hpp>

namespace tl {

// Eighteen noise images of two classes, and a network for them.
struct NoiseImages {
  NoiseImages() {
    cv::theRNG().state = 7;
    for (int i = 0; i < 18; ++i) {
      const std::string name = str_of(i) + ".png";
      const auto file = folder / (i % 2 == 0 ? "a" : "b") / name;
      std::filesystem::create_directories(file.parent_path());
      cv::Mat image(24, 20, CV_8UC3);
      cv::randu(image, 0, 256);
      cv::imwrite(file.string(), image);
    }
    DataOptions data;
    data.root = folder.path();
    dataset = open_dataset(data, 1, {2});
    objective = make_objective({}, dataset);
    small_network::save(folder / "net.pt", small_network::residual);
    InputSpec input;
    input.height = input.width = input.resize = 16;
    model = std::make_unique<Model>(Model::load(folder / "net.pt", input));
    model->attach_head({}, 2, 1);
    model->freeze(1);
    options = {{input, &augment, 1}, 4, 2, 3, /*shuffle=*/true};
    for (std::size_t i = 0; i < dataset.samples.size(); ++i)
      samples.push_back(i);
  }

  static std::string str_of(int i) { return std::to_string(100 + i); }

  std::unique_ptr<FeatureSource> live(const Prefix& prefix) const {
    return live_features({dataset, samples, *objective, prefix}, options);
  }
  std::unique_ptr<FeatureSource> stored(const Prefix& prefix, FeatureStore& store,
                                        const StoringOptions& storing = {"recipe", {}, {}}) const {
    return stored_features({dataset, samples, *objective, prefix}, options, store, storing);
  }
  StoreOptions store_options() const { return {folder / "store", 1 << 30, 1 << 20}; }

  TemporaryFolder folder;
  Dataset dataset;
  std::unique_ptr<Objective> objective;
  std::unique_ptr<Model> model;
  AugmentOptions augment;
  SourceOptions options;
  std::vector<std::size_t> samples;
};

// Every batch of epochs 1 to 5, one after the other.
inline std::vector<FeatureBatch> all_batches(FeatureSource& source) {
  std::vector<FeatureBatch> batches;
  for (int epoch = 1; epoch <= 5; ++epoch) {
    source.begin(epoch, 0);
    while (auto batch = source.next())
      batches.push_back(*batch);
  }
  return batches;
}

inline bool same(const std::vector<FeatureBatch>& a, const std::vector<FeatureBatch>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!torch::equal(a[i].features, b[i].features) || !torch::equal(a[i].targets, b[i].targets))
      return false;
  }
  return true;
}

}  // namespace tl
