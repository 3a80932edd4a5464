// Where the loop gets its batches from: features of images, at the cut where training begins.
#pragma once

#include "tl/data/dataset.h"
#include "tl/data/loader.h"
#include "tl/engine/inference.h"
#include "tl/store/feature_store.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tl {

struct FeatureBatch {
  at::Tensor features;  // as Prefix gives them, on its device
  at::Tensor labels;    // int64, N, on the same device
};

class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  virtual std::size_t batches() const = 0;
  // Starts epoch `epoch` (from 1) at batch `first`: what it hands out does not depend on what was
  // asked before.
  virtual void begin(int epoch, std::size_t first) = 0;
  // The next batch, or none at the end of the epoch.
  virtual std::optional<FeatureBatch> next() = 0;
};

// With `augment` the order is drawn anew each epoch, and a last batch of a single image is left
// out, since batch-norm can't learn from it.
struct SourceOptions {
  InputSpec input;
  int batch_size = 32;
  int workers = 1;
  std::uint64_t seed = 1;
  const AugmentOptions* augment = nullptr;  // none: evaluation geometry, in order
  std::optional<int> views;                 // with augment: epochs repeat after so many
  ImageCache* images = nullptr;             // images that need not be decoded again
};

// Computes features from the images each time. Dataset and prefix must outlive the source.
std::unique_ptr<FeatureSource> live_features(const Dataset& dataset,
                                             std::vector<std::size_t> samples, const Prefix& prefix,
                                             const SourceOptions& options);

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
std::unique_ptr<FeatureSource> stored_features(const Dataset& dataset,
                                               std::vector<std::size_t> samples,
                                               const Prefix& prefix, const SourceOptions& options,
                                               FeatureStore& store, StoringOptions storing);

}  // namespace tl
