// Batches of decoded, transformed images, made ahead of their use on threads of their own.
#pragma once

#include "tl/config/data_options.h"
#include "tl/config/input_spec.h"
#include "tl/data/dataset.h"
#include "tl/data/image_cache.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tl {

struct Batch {
  int count = 0;  // images; height and width are the network's
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  // count x height x width x 3, RGB
  std::vector<std::size_t> samples;  // indices into Dataset::samples
};

// Names the code that makes pixels of files: the same file, Transform and identity, the same
// pixels.
std::string pixels_identity();

// How a sample becomes an image of the network's size.
struct Transform {
  InputSpec input;
  const AugmentOptions* augment = nullptr;  // none: evaluation geometry; outlives the loader
  std::uint64_t seed = 0;  // with augment: choices come from (seed, epoch, sample.id)
  std::uint64_t epoch = 0;
  ImageCache* cache = nullptr;  // images that need not be decoded again; outlives the loader
};

// The pixels of the shorter side that are not lost on the network: an image decoded with as many
// (decode_image's `needed`) is as good as the whole one. `augment`: none for evaluation geometry.
int needed_side(const InputSpec& input, const AugmentOptions* augment);

// Hands out `order` (indices into dataset.samples) in batches, in that order whatever the number of
// workers; the last batch may be smaller. A sample that no longer decodes, or whose file is not the
// one of its `content`, throws Error(data) from next(), unless it is in the cache. The dataset must
// outlive the loader.
class Loader {
 public:
  Loader(const Dataset& dataset, std::vector<std::size_t> order, int batch_size,
         const Transform& transform, int workers);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next batch, or none at the end.
  std::optional<Batch> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tl
