// One experiment: what each room takes, as plain structs. The values a field has before a config is
// read are the defaults of configs/experiment.schema.json; `tests/config` holds the two together.
#pragma once

#include "tl/config/data_options.h"
#include "tl/config/fields.h"
#include "tl/config/model_options.h"
#include "tl/config/train_options.h"

#include <string>

namespace tl {

struct Experiment {
  DataOptions data;
  BackboneOptions backbone;
  HeadOptions head;
  AugmentOptions augment;
  FeatureOptions features;
  TrainOptions train;
  std::string device = "auto";

  TL_FIELDS(data, backbone, head, augment, features, train, device)
  bool operator==(const Experiment&) const = default;
};

}  // namespace tl
