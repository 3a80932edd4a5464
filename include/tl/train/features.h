// Batches made of images: their features, at the cut where training begins.
#pragma once

#include "tl/data/dataset.h"
#include "tl/data/loader.h"
#include "tl/engine/inference.h"
#include "tl/store/feature_store.h"
#include "tl/train/feature_source.h"
#include "tl/train/objective.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tl {

// The pixels of a batch as uint8, N x H x W x 3: not a copy, so the batch must outlive it.
at::Tensor images_of(Batch& batch);

// Images, what is to be learnt of them, and what computes their features. All that is referred to
// must outlive the source.
struct ImageFeatures {
  const Dataset& dataset;
  std::vector<std::size_t> samples;  // indices into it
  const Objective& objective;
  const Prefix& prefix;
};

struct SourceOptions {
  Transform transform;  // the source says its epoch
  int batch_size = 32;
  int workers = 1;
  std::optional<int> views;  // where it augments: epochs repeat after so many
  // The order is drawn anew each epoch, and a last batch of a single image is left out, since
  // batch-norm can't learn from it. Otherwise all samples come in order.
  bool shuffle = false;
};

// Computes features from the images each time.
std::unique_ptr<FeatureSource> live_features(ImageFeatures of, const SourceOptions& options);

// Names all that decides the features of that epoch, but for the images' files: their shelf in the
// store. `recipe`: what decides the pixels beside input, seed and view, that is, the augmentation.
Digest shelf_key(const Prefix& prefix, const SourceOptions& options, const std::string& recipe,
                 int epoch);
// The features of one image.
std::size_t feature_bytes(const Prefix& prefix);

struct StoringOptions {
  std::string recipe;                                                 // see shelf_key
  std::function<void(std::size_t done, std::size_t total)> progress;  // of computing; may be empty
  std::function<bool()> stop_requested;                               // may be empty
};

// Gives the same features, but computes each only once: what the store has is taken from there, and
// what it lacks for an epoch is computed at the epoch's begin and kept. Processes that share a
// store share the work. The store, too, must outlive the source.
std::unique_ptr<FeatureSource> stored_features(ImageFeatures of, const SourceOptions& options,
                                               FeatureStore& store, StoringOptions storing);

}  // namespace tl
