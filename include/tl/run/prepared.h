// Everything that an experiment knows before its first step.
#pragma once

#include "tl/config/load.h"
#include "tl/data/dataset.h"
#include "tl/data/image_cache.h"
#include "tl/model/model.h"
#include "tl/train/objective.h"

#include <c10/core/Device.h>

#include <memory>
#include <string>

namespace tl {

struct Prepared {
  LoadedExperiment experiment;
  Dataset dataset;
  std::shared_ptr<ImageCache> images;  // of the dataset, as many as data.ram_gb holds
  std::unique_ptr<Objective> objective;
  std::vector<std::size_t> groups;  // of training images, see groups_of_alike; for an exact head
  Model model;  // with head, frozen, on the device
  c10::Device device;
};

// How the frozen part's features are computed and kept, for people.
std::string features_text(const Prepared& prepared);

}  // namespace tl
