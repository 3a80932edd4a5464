// What each room takes, as plain structs. The values a field has before a config is read are the
// defaults of configs/experiment.schema.json; `tests/config` holds the two together.
#pragma once

#include "tl/config/input_spec.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tl {

enum class BadImage { skip, fail };

struct DataOptions {
  std::filesystem::path root;  // absolute
  double val = 0.15;           // fractions of each class; unused where root holds train/ and val/
  double test = 0.15;
  BadImage on_bad_image = BadImage::skip;
  int workers = 0;       // threads that decode and augment; 0: as many as compute threads
  double ram_gb = 0.25;  // decoded images that are kept in memory

  bool operator==(const DataOptions&) const = default;
};

// k layers, or a layer's name, or one of the words below.
enum class FreezeWord { all, none };
using Freeze = std::variant<int, std::string, FreezeWord>;

enum class Init { pretrained, scratch };
enum class BatchNorm { frozen, train };

struct BackboneOptions {
  std::filesystem::path file;  // absolute
  Init init = Init::pretrained;
  Freeze freeze = FreezeWord::all;
  BatchNorm batch_norm = BatchNorm::frozen;
  std::optional<InputSpec> input;  // overrides what the file says

  bool operator==(const BackboneOptions&) const = default;
};

enum class Pool { automatic, avg, max, flatten };

struct HeadOptions {
  Pool pool = Pool::automatic;
  std::vector<int> hidden;  // widths of Linear + ReLU before the last Linear
  double dropout = 0.2;     // before each Linear

  bool operator==(const HeadOptions&) const = default;
};

struct CropOptions {
  std::array<double, 2> scale = {0.5, 1.0};     // share of the image's area
  std::array<double, 2> ratio = {0.75, 1.333};  // width / height

  bool operator==(const CropOptions&) const = default;
};

struct JitterOptions {  // each: a factor from [1 - x, 1 + x]; hue: a shift from [-x, x] turns
  double brightness = 0.2;
  double contrast = 0.2;
  double saturation = 0.2;
  double hue = 0.0;

  bool operator==(const JitterOptions&) const = default;
};

struct BlurOptions {
  double probability = 0.0;
  std::array<double, 2> sigma = {0.1, 2.0};  // pixels of the network's input

  bool operator==(const BlurOptions&) const = default;
};

struct EraseOptions {
  double probability = 0.0;
  std::array<double, 2> scale = {0.02, 0.33};
  std::array<double, 2> ratio = {0.3, 3.3};

  bool operator==(const EraseOptions&) const = default;
};

struct AugmentOptions {
  std::optional<CropOptions> crop = CropOptions{};  // none: resize and centre-crop as in evaluation
  double flip = 0.5;                                // probability of a left-right flip
  double vertical_flip = 0.0;
  double rotation = 0.0;  // degrees to either side
  JitterOptions jitter;
  BlurOptions blur;
  EraseOptions erase;

  bool operator==(const AugmentOptions&) const = default;
};

enum class Cache { automatic, off, ram, disk };
enum class Precision { automatic, fp32, bf16 };

struct FeatureOptions {
  Cache cache = Cache::automatic;
  std::optional<int> views;  // none: fresh augmentation every epoch
  Precision precision = Precision::automatic;
  std::optional<std::filesystem::path> folder;  // absolute; none: the user's cache folder
  double disk_gb = 10;                          // what the folder may hold
  double ram_gb = 1;                            // what is held in memory

  bool operator==(const FeatureOptions&) const = default;
};

enum class OptimizerName { adam, adamw, sgd, rmsprop };

struct OptimizerOptions {
  OptimizerName name = OptimizerName::adam;
  double lr = 1e-3;                            // of the head
  std::optional<double> backbone_lr;           // none: a tenth of lr
  double weight_decay = 0.0;                   // adamw's default is 0.01
  std::array<double, 2> betas = {0.9, 0.999};  // adam, adamw
  double eps = 1e-8;                           // adam, adamw, rmsprop
  double momentum = 0.9;                       // sgd; rmsprop's default is 0
  bool nesterov = false;                       // sgd
  double alpha = 0.99;                         // rmsprop

  bool operator==(const OptimizerOptions&) const = default;
};

enum class ScheduleName { constant, step, cosine, one_cycle };

struct ScheduleOptions {
  ScheduleName name = ScheduleName::constant;
  double warmup_epochs = 0.0;  // constant, step, cosine: linear from 0
  int step_epochs = 10;        // step
  double gamma = 0.1;          // step
  double final_factor = 0.0;   // cosine: last lr / lr; one_cycle's default is 1e-4
  double rise = 0.3;           // one_cycle: share of the steps with a rising rate
  double start_factor = 0.04;  // one_cycle: first lr / lr

  bool operator==(const ScheduleOptions&) const = default;
};

struct LossOptions {
  double label_smoothing = 0.0;
  // none: all alike; "balanced": n / (classes * n_class); or one number a class, in class order.
  std::variant<std::monostate, std::string, std::vector<double>> class_weights;

  bool operator==(const LossOptions&) const = default;
};

struct EarlyStoppingOptions {
  int patience = 0;        // epochs without a better validation result; 0: off
  double min_delta = 0.0;  // what counts as better

  bool operator==(const EarlyStoppingOptions&) const = default;
};

// When a checkpoint is written within an epoch; both empty: never.
struct CheckpointEvery {
  std::optional<int> steps;  // counted from the epoch's first
  std::optional<double> seconds;

  bool operator==(const CheckpointEvery&) const = default;
};

struct TrainOptions {
  int epochs = 10;
  int batch_size = 32;
  std::uint64_t seed = 1;
  Precision precision = Precision::automatic;  // of the layers that are trained
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  LossOptions loss;
  EarlyStoppingOptions early_stopping;
  CheckpointEvery checkpoint_every;

  bool operator==(const TrainOptions&) const = default;
};

struct Experiment {
  DataOptions data;
  BackboneOptions backbone;
  HeadOptions head;
  AugmentOptions augment;
  FeatureOptions features;
  TrainOptions train;
  std::string device = "auto";

  bool operator==(const Experiment&) const = default;
};

}  // namespace tl
