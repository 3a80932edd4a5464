#include "tl/train/features.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "catch.h"
#include "temporary_folder.h"

#include <opencv2/imgcodecs.hpp>

using namespace tl;

namespace {

// Eighteen noise images of two classes, and a network for them.
struct Setting {
  Setting() {
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
    dataset = open_dataset(data, 1, 2);
    objective = make_objective({}, dataset);
    small_network::save(folder / "net.pt", small_network::residual);
    InputSpec input;
    input.height = input.width = input.resize = 16;
    model = std::make_unique<Model>(Model::load(folder / "net.pt", input));
    model->attach_head({}, 2, 1);
    model->freeze(1);
    options = {input, 4, 2, 1, &augment, 3};
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
std::vector<FeatureBatch> all_batches(FeatureSource& source) {
  std::vector<FeatureBatch> batches;
  for (int epoch = 1; epoch <= 5; ++epoch) {
    source.begin(epoch, 0);
    while (auto batch = source.next())
      batches.push_back(*batch);
  }
  return batches;
}

bool same(const std::vector<FeatureBatch>& a, const std::vector<FeatureBatch>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!torch::equal(a[i].features, b[i].features) || !torch::equal(a[i].targets, b[i].targets))
      return false;
  }
  return true;
}

}  // namespace

TEST_CASE("stored features are the live ones, bit for bit, and each is computed once") {
  const Setting setting;
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
  Setting setting;  // of more batches than are computed together
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
  Setting setting;
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
  setting.options.seed = 2;
  CHECK(computed_by(*setting.stored(prefix, store)) == 18);
  setting.model->freeze(3);
  const Prefix deeper(*setting.model, Precision::fp32);
  CHECK(computed_by(*setting.stored(deeper, store)) == 18);
}

TEST_CASE("an image that changed is computed anew") {
  Setting setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  FeatureStore store(setting.store_options());
  setting.stored(prefix, store)->begin(1, 0);
  const auto file = setting.dataset.root / setting.dataset.samples[5].path;
  cv::imwrite(file.string(), cv::Mat(24, 20, CV_8UC3, cv::Scalar(1, 2, 3)));
  read_contents(setting.dataset, 1);
  setting.stored(prefix, store)->begin(1, 0);
  CHECK(store.counts().computed == 19);
}

TEST_CASE("what there is no room for is computed as training goes on") {
  const Setting setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  const auto expected = all_batches(*setting.live(prefix));
  for (const std::size_t entries : {0, 1, 7, 17}) {
    const std::uint64_t entry_bytes = 8 * 16 * 16 * 4;
    FeatureStore store({std::nullopt, 0, entries * entry_bytes});
    CHECK(same(all_batches(*setting.stored(prefix, store)), expected));
  }
}

TEST_CASE("entries that are damaged or gone in the middle of an epoch are computed on the spot") {
  const Setting setting;
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
  const Setting setting;
  const Prefix prefix(*setting.model, Precision::fp32);
  FeatureStore store(setting.store_options());
  const auto source = setting.stored(prefix, store, {"recipe", {}, [] { return true; }});
  source->begin(1, 0);
  CHECK(store.counts().computed == 0);
  CHECK(source->next());  // so that the loop can end its step
}
