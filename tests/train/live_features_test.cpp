#include "tl/train/features.h"

// clang-format off: this one has to come before catch.h
#include "train/noise_images.h"
// clang-format on

#include "catch.h"

using namespace tl;

namespace {

std::vector<FeatureBatch> epoch_of(FeatureSource& source, int epoch) {
  std::vector<FeatureBatch> batches;
  source.begin(epoch, 0);
  while (auto batch = source.next())
    batches.push_back(*batch);
  return batches;
}

at::Tensor targets_in(const std::vector<FeatureBatch>& batches) {
  std::vector<at::Tensor> targets;
  for (const FeatureBatch& batch : batches)
    targets.push_back(batch.targets);
  return torch::cat(targets);
}

// A number for each image, sorted, so that the order does not count.
at::Tensor fingerprints(const std::vector<FeatureBatch>& batches) {
  std::vector<at::Tensor> sums;
  for (const FeatureBatch& batch : batches)
    sums.push_back(batch.features.to(torch::kDouble).flatten(1).sum(1));
  return std::get<0>(torch::cat(sums).sort());
}

}  // namespace

TEST_CASE("without augmentation images come in order, with their targets and their features") {
  NoiseImages setting;
  setting.options.transform.augment = nullptr;
  setting.options.shuffle = false;
  setting.samples = {7, 2, 11, 4, 9};
  const Prefix prefix(*setting.model, Precision::fp32);
  const auto source = setting.live(prefix);
  CHECK(source->batches() == 2);
  const auto batches = epoch_of(*source, 1);
  REQUIRE(batches.size() == 2);
  CHECK(batches[0].features.size(0) == 4);
  CHECK(batches[1].features.size(0) == 1);
  CHECK(torch::equal(targets_in(batches), setting.objective->targets(setting.samples)));
  CHECK(same(batches, epoch_of(*source, 2)));

  Loader loader(setting.dataset, setting.samples, 5, {setting.options.transform.input}, 1);
  auto images = loader.next();
  const at::Tensor expected = prefix.features(images_of(*images));
  CHECK(torch::equal(torch::cat({batches[0].features, batches[1].features}), expected));
}

TEST_CASE("with augmentation each epoch has an order and images of its own") {
  NoiseImages setting;
  setting.options.views = std::nullopt;
  const Prefix prefix(*setting.model, Precision::fp32);
  const auto source = setting.live(prefix);
  const auto first = epoch_of(*source, 1);
  const auto second = epoch_of(*source, 2);
  CHECK_FALSE(torch::equal(targets_in(first), targets_in(second)));
  CHECK_FALSE(torch::equal(fingerprints(first), fingerprints(second)));
  CHECK(same(epoch_of(*source, 1), first));
}

TEST_CASE("views repeat after so many epochs, in another order") {
  const NoiseImages setting;  // three views
  const Prefix prefix(*setting.model, Precision::fp32);
  const auto source = setting.live(prefix);
  const auto first = epoch_of(*source, 1);
  const auto fourth = epoch_of(*source, 4);
  CHECK(torch::allclose(fingerprints(first), fingerprints(fourth), 1e-4));
  CHECK_FALSE(torch::equal(targets_in(first), targets_in(fourth)));
  CHECK_FALSE(torch::allclose(fingerprints(first), fingerprints(epoch_of(*source, 2)), 1e-4));
}

TEST_CASE("a last batch of a single image is for evaluation alone") {
  NoiseImages setting;
  setting.samples.resize(17);
  const Prefix prefix(*setting.model, Precision::fp32);
  CHECK(setting.live(prefix)->batches() == 4);
  CHECK(targets_in(epoch_of(*setting.live(prefix), 1)).size(0) == 16);
  setting.options.shuffle = false;
  CHECK(setting.live(prefix)->batches() == 5);
  CHECK(targets_in(epoch_of(*setting.live(prefix), 1)).size(0) == 17);
}
