// A training of a moment: the small network, and random images of two kinds made on the spot.
#pragma once

#include "tl/train/trainer.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "temporary_folder.h"
#include "tl/data/dataset.h"
#include "tl/engine/inference.h"

namespace tl {

// Random images of two kinds, dark and bright, in batches of four.
class Batches : public FeatureSource {
 public:
  // `wrong`: with each other's labels.
  explicit Batches(const Prefix& prefix, bool wrong = false) : prefix_(prefix), wrong_(wrong) {}
  std::size_t batches() const override { return 3; }
  void begin(int epoch, std::size_t first) override {
    epoch_ = epoch;
    next_ = first;
  }
  std::optional<FeatureBatch> next() override {
    if (next_ == batches()) return std::nullopt;
    auto generator = at::make_generator<at::CPUGeneratorImpl>(100 * epoch_ + next_++);
    const at::Tensor labels = torch::tensor({0, 1, 0, 1});
    const at::Tensor noise = torch::randint(0, 100, {4, 16, 16, 3}, generator, torch::kByte);
    const at::Tensor images = noise + labels.view({4, 1, 1, 1}).to(torch::kByte) * 100;
    return FeatureBatch{prefix_.features(images), wrong_ ? 1 - labels : labels};
  }

 private:
  const Prefix& prefix_;
  bool wrong_;
  int epoch_ = 0;
  std::size_t next_ = 0;
};

// What differs from one stage of a run to the next.
struct RunStage {
  Freeze freeze;
  double lr = 0.01;
  bool wrong = false;  // validated with wrong labels
};

struct Run {
  explicit Run(const TemporaryFolder& folder, const Freeze& freeze = 1, std::uint64_t seed = 1)
      : stages({{freeze}}), folder_(folder) {
    small_network::save(folder / "net.pt", small_network::residual);
    InputSpec input;
    input.height = input.width = input.resize = 16;
    model = std::make_unique<Model>(Model::load(folder / "net.pt", input));
    model->attach_head({}, 2, seed);
    options.epochs = 4;
  }

  TrainOutcome go(bool resume = false, const std::function<bool()>& stop = {}) {
    TrainObserver silent;
    return go(resume, stop, silent);
  }
  TrainOutcome go(bool resume, const std::function<bool()>& stop, TrainObserver& observer) {
    std::filesystem::create_directories(folder_ / "checkpoints");
    const auto objective = make_objective(options.loss, Dataset());
    Stages made = make_stages();
    return train(options, {made, *objective, folder_ / "checkpoints", resume, stop}, observer);
  }

  TrainOutcome take_best() {
    const auto objective = make_objective(options.loss, Dataset());
    Stages made = make_stages();
    return tl::take_best(options, {made, *objective, folder_ / "checkpoints", true, {}});
  }

  // The run must stay where it is.
  Stages make_stages() {
    std::vector<StageMaker> makers;
    for (const RunStage& stage : stages)
      makers.push_back([this, stage] { return make_stage(stage); });
    return Stages(std::move(makers));
  }

  std::unique_ptr<Model> model;
  TrainOptions options;
  std::vector<RunStage> stages;  // of options.epochs each

 private:
  std::unique_ptr<Stage> make_stage(const RunStage& stage) {
    model->freeze(stage.freeze);
    StageOptions of{options.epochs, options.optimizer, options.schedule, BatchNorm::train};
    of.optimizer.lr = stage.lr;
    const auto batches = [](bool wrong) {
      return [wrong](const Prefix& prefix) { return std::make_unique<Batches>(prefix, wrong); };
    };
    return std::make_unique<Stage>(*model, Prefix(*model, Precision::fp32), of, batches(false),
                                   batches(stage.wrong));
  }

  const TemporaryFolder& folder_;
};

inline bool same_tensors(const Model& a, const Model& b) {
  const auto left = a.tensors();
  const auto right = b.tensors();
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!torch::equal(left[i].second, right[i].second)) return false;
  }
  return left.size() == right.size();
}

}  // namespace tl
