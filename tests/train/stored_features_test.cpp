#include "tl/train/features.h"

// clang-format off: this one has to come before catch.h
#include "train/noise_images.h"
// clang-format on

#include "catch.h"

using namespace tl;

TEST_CASE("stored features are the live ones, bit for bit, and each is computed once") {
  const NoiseImages setting;
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const Prefix prefix(*setting.model, precision);
    const auto expected = all_batches(*setting.live(prefix));
    FeatureStore store(setting.store_options());
    CHECK(same(all_batches(*setting.stored(prefix, store)), expected));
    CHECK(store.counts().computed == 3 * 18);
    CHECK(store.counts().hits == 5 * 18);

    FeatureStore later(setting.store_options());
    CHECK(same(all_batches(*setting.stored(prefix, later)), expected));
    CHECK(later.counts().computed == 0);
  }
}

TEST_CASE("an epoch can begin at any batch") {
  NoiseImages setting;  // of more batches than are computed together
  for (int copies = 1; copies < 4; ++copies)
    setting.samples.insert(setting.samples.end(), setting.samples.begin(),
                           setting.samples.begin() + 18);
  const Prefix prefix(*setting.model, Precision::fp32);
  FeatureStore store(setting.store_options());
  for (const auto& source : {setting.stored(prefix, store), setting.live(prefix)}) {
    const auto all = all_batches(*source);
    REQUIRE(source->batches() == 18);
    for (std::size_t first = 0; first < source->batches(); ++first) {
      source->begin(2, first);
      const FeatureBatch batch = *source->next();
      CHECK(torch::equal(batch.features, all[source->batches() + first].features));
      CHECK(torch::equal(batch.targets, all[source->batches() + first].targets));
    }
  }
}

TEST_CASE("another augmentation, seed or network finds nothing of the others") {
  NoiseImages setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  FeatureStore store(setting.store_options());
  const auto computed_by = [&](FeatureSource& source) {
    const auto before = store.counts().computed;
    source.begin(1, 0);
    return store.counts().computed - before;
  };
  CHECK(computed_by(*setting.stored(prefix, store)) == 18);
  CHECK(computed_by(*setting.stored(prefix, store)) == 0);
  CHECK(computed_by(*setting.stored(prefix, store, {"another recipe", {}, {}})) == 18);
  setting.options.transform.seed = 2;
  CHECK(computed_by(*setting.stored(prefix, store)) == 18);
  setting.model->freeze(3);
  const Prefix deeper(*setting.model, Precision::fp32);
  CHECK(computed_by(*setting.stored(deeper, store)) == 18);
}

TEST_CASE("an image that changed is computed anew") {
  NoiseImages setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  FeatureStore store(setting.store_options());
  setting.stored(prefix, store)->begin(1, 0);
  const auto file = setting.dataset.root / setting.dataset.samples[5].path;
  cv::imwrite(file.string(), cv::Mat(24, 20, CV_8UC3, cv::Scalar(1, 2, 3)));
  read_contents(setting.dataset, {1});
  setting.stored(prefix, store)->begin(1, 0);
  CHECK(store.counts().computed == 19);
}

TEST_CASE("what there is no room for is computed as training goes on") {
  const NoiseImages setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  const auto expected = all_batches(*setting.live(prefix));
  for (const std::size_t entries : {0, 1, 7, 17}) {
    const std::uint64_t entry_bytes = 8 * 16 * 16 * 4;
    FeatureStore store({std::nullopt, 0, entries * entry_bytes});
    CHECK(same(all_batches(*setting.stored(prefix, store)), expected));
  }
}

TEST_CASE("entries that are damaged or gone in the middle of an epoch are computed on the spot") {
  const NoiseImages setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  const auto expected = all_batches(*setting.live(prefix));
  FeatureStore store(setting.store_options());
  const auto source = setting.stored(prefix, store);
  all_batches(*source);
  for (const auto& file : std::filesystem::recursive_directory_iterator(setting.folder / "store")) {
    if (file.is_regular_file()) std::filesystem::resize_file(file.path(), 100);
  }
  CHECK(same(all_batches(*source), expected));
}

TEST_CASE("a stop is heard while features are computed") {
  const NoiseImages setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  FeatureStore store(setting.store_options());
  const auto source = setting.stored(prefix, store, {"recipe", {}, [] { return true; }});
  source->begin(1, 0);
  CHECK(store.counts().computed == 0);
  CHECK(source->next());  // so that the loop can end its step
}
