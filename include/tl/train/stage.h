// A run trains in stages, one after the other. A stage is all that depends on which layers are
// frozen, and lives as long as they are.
#pragma once

#include "tl/config/model_options.h"
#include "tl/config/train_options.h"
#include "tl/engine/inference.h"
#include "tl/model/model.h"
#include "tl/train/exact_head.h"
#include "tl/train/feature_source.h"
#include "tl/train/optimizer.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tl {

struct StageOptions {
  int epochs = 10;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  BatchNorm batch_norm = BatchNorm::frozen;
  Precision precision = Precision::fp32;  // of what is trained: fp32 or bf16
};

// The prefix outlives the source.
using SourceMaker = std::function<std::unique_ptr<FeatureSource>(const Prefix&)>;
using ExactHeadMaker = std::function<std::unique_ptr<ExactHead>(const Prefix&)>;

struct Stage {
  // Of the model as it is frozen now. `prefix` is its prefix; like the trainee, it shares the
  // model's tensors.
  // `exact`: for a stage that fits its head at once, in an epoch 0 of its own; else empty.
  Stage(const Model& model, Prefix prefix, const StageOptions& options, const SourceMaker& train,
        const SourceMaker& val, const ExactHeadMaker& exact = {});
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  int last_epoch() const { return first_epoch + epochs - 1; }
  // Of the learning rates, for step `step` (from 0) of an epoch of the run.
  double rate_factor(int epoch, std::size_t step) const;

  const Prefix prefix;
  const Trainee trainee;
  Optimizer optimizer;
  const std::unique_ptr<FeatureSource> train;
  const std::unique_ptr<FeatureSource> val;
  const std::unique_ptr<const ExactHead> exact;  // null: the stage trains by steps
  const std::int64_t parameters;                 // trainable ones
  const ScheduleOptions schedule;
  const int epochs;     // at most
  int first_epoch = 1;  // of the run
};

// Freezes the model as the stage wants it, and makes the stage.
using StageMaker = std::function<std::unique_ptr<Stage>()>;

// A tensor that some stage so far trains or updates.
struct TrainedTensor {
  std::string name;
  at::Tensor tensor;      // shared with the model
  std::size_t stage = 0;  // the first that may change it
  at::Tensor before;      // on the CPU: its value until then; undefined in the first stage
};

// The stages of a run, of which one is there at a time: each is made when the run comes to it, from
// the weights that those before it left.
class Stages {
 public:
  // One for each stage, at least one. What they refer to must outlive the stages.
  explicit Stages(std::vector<StageMaker> makers) : makers_(std::move(makers)) {}

  std::size_t count() const { return makers_.size(); }
  // Makes stage `number` (from 0) in place of the current one. No stage may be passed over, but one
  // that was there may come again.
  void enter(std::size_t number, int first_epoch);
  std::size_t number() const { return number_; }
  Stage& current() const { return *stage_; }

  // Of all stages that were entered, in the order in which they came.
  const std::vector<TrainedTensor>& trained() const { return trained_; }

 private:
  void note_trained();

  std::vector<StageMaker> makers_;
  std::size_t number_ = 0;
  std::unique_ptr<Stage> stage_;
  std::vector<TrainedTensor> trained_;
};

}  // namespace tl
