// What the train room takes: the features of frozen layers, and training on them.
#pragma once

#include "tl/config/fields.h"
#include "tl/config/model_options.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <variant>
#include <vector>

namespace tl {

enum class Cache { automatic, off, ram, disk };
constexpr auto words_of(Cache) {
  return std::array{"auto", "off", "ram", "disk"};
}

// Fresh augmentation every epoch, or so many fixed views an image.
enum class FreshViews { epoch };
constexpr auto words_of(FreshViews) {
  return std::array{"epoch"};
}
using Views = std::variant<FreshViews, int>;

struct FeatureOptions {
  Cache cache = Cache::automatic;
  Views views;
  Precision precision = Precision::automatic;
  std::optional<std::filesystem::path> folder;  // absolute; none: the user's cache folder
  double disk_gb = 10;                          // what the folder may hold
  double ram_gb = 1;                            // what is held in memory

  TL_FIELDS(cache, views, precision, folder, disk_gb, ram_gb)
  bool operator==(const FeatureOptions&) const = default;
};

// The rules of optimizers: as PyTorch defines them.
struct AdamOptions {
  static constexpr const char* name = "adam";
  double weight_decay = 0.0;  // a gradient of the squared weights
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;

  TL_FIELDS(weight_decay, betas, eps)
  bool operator==(const AdamOptions&) const = default;
};

struct AdamWOptions {
  static constexpr const char* name = "adamw";
  double weight_decay = 0.01;  // decoupled from the gradient
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;

  TL_FIELDS(weight_decay, betas, eps)
  bool operator==(const AdamWOptions&) const = default;
};

struct SgdOptions {
  static constexpr const char* name = "sgd";
  double weight_decay = 0.0;
  double momentum = 0.9;
  bool nesterov = false;

  TL_FIELDS(weight_decay, momentum, nesterov)
  bool operator==(const SgdOptions&) const = default;
};

struct RmsPropOptions {
  static constexpr const char* name = "rmsprop";
  double weight_decay = 0.0;
  double alpha = 0.99;
  double eps = 1e-8;
  double momentum = 0.0;

  TL_FIELDS(weight_decay, alpha, eps, momentum)
  bool operator==(const RmsPropOptions&) const = default;
};

struct OptimizerOptions {
  double lr = 1e-3;                   // of the head
  std::optional<double> backbone_lr;  // none: a tenth of lr
  std::variant<AdamOptions, AdamWOptions, SgdOptions, RmsPropOptions> rule;

  double backbone_rate() const { return backbone_lr.value_or(lr / 10); }

  TL_FIELDS(lr, backbone_lr, rule)
  bool operator==(const OptimizerOptions&) const = default;
};

// The curves of learning rates; warmup_epochs rise linearly from 0 before them.
struct ConstantSchedule {
  static constexpr const char* name = "constant";
  double warmup_epochs = 0.0;

  TL_FIELDS(warmup_epochs)
  bool operator==(const ConstantSchedule&) const = default;
};

struct StepSchedule {
  static constexpr const char* name = "step";
  double warmup_epochs = 0.0;
  int step_epochs = 10;
  double gamma = 0.1;

  TL_FIELDS(warmup_epochs, step_epochs, gamma)
  bool operator==(const StepSchedule&) const = default;
};

struct CosineSchedule {
  static constexpr const char* name = "cosine";
  double warmup_epochs = 0.0;
  double final_factor = 0.0;  // last lr / lr

  TL_FIELDS(warmup_epochs, final_factor)
  bool operator==(const CosineSchedule&) const = default;
};

struct OneCycleSchedule {
  static constexpr const char* name = "one_cycle";
  double rise = 0.3;           // share of the steps with a rising rate
  double start_factor = 0.04;  // first lr / lr
  double final_factor = 1e-4;  // last lr / lr

  TL_FIELDS(rise, start_factor, final_factor)
  bool operator==(const OneCycleSchedule&) const = default;
};

struct ScheduleOptions {
  std::variant<ConstantSchedule, StepSchedule, CosineSchedule, OneCycleSchedule> curve;

  TL_FIELDS(curve)
  bool operator==(const ScheduleOptions&) const = default;
};

// balanced: n / (classes * n_class).
enum class ClassWeighting { balanced };
constexpr auto words_of(ClassWeighting) {
  return std::array{"balanced"};
}

struct LossOptions {
  double label_smoothing = 0.0;
  // none: all alike; or a rule; or one number a class, in class order.
  std::variant<std::monostate, ClassWeighting, std::vector<double>> class_weights;

  TL_FIELDS(label_smoothing, class_weights)
  bool operator==(const LossOptions&) const = default;
};

struct EarlyStoppingOptions {
  int patience = 0;        // epochs without a better validation result; 0: off
  double min_delta = 0.0;  // what counts as better

  TL_FIELDS(patience, min_delta)
  bool operator==(const EarlyStoppingOptions&) const = default;
};

struct EverySteps {
  int steps = 1;  // counted from the epoch's first

  TL_FIELDS(steps)
  bool operator==(const EverySteps&) const = default;
};

struct EverySeconds {
  double seconds = 0;  // since the last checkpoint

  TL_FIELDS(seconds)
  bool operator==(const EverySeconds&) const = default;
};

// When a checkpoint is written within an epoch, if it is.
using CheckpointEvery = std::variant<std::monostate, EverySteps, EverySeconds>;

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

  TL_FIELDS(epochs, batch_size, seed, precision, optimizer, schedule, loss, early_stopping,
            checkpoint_every)
  bool operator==(const TrainOptions&) const = default;
};

}  // namespace tl
