#include "tl/train/trainer.h"

// clang-format off: this one has to come before catch.h
#include "small_network.h"
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "temporary_folder.h"

using namespace tl;

namespace {

// Random images of two kinds, dark and bright, in batches of four.
class Batches : public FeatureSource {
 public:
  explicit Batches(const Prefix& prefix) : prefix_(prefix) {}
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
    return FeatureBatch{prefix_.features(images), labels};
  }

 private:
  const Prefix& prefix_;
  int epoch_ = 0;
  std::size_t next_ = 0;
};

struct Run {
  explicit Run(const TemporaryFolder& folder) : folder_(folder) {
    small_network::save(folder / "net.pt", small_network::residual);
    InputSpec input;
    input.height = input.width = input.resize = 16;
    model = std::make_unique<Model>(Model::load(folder / "net.pt", input));
    model->attach_head({}, 2, 1);
    model->freeze(1);
    options.epochs = 4;
    options.optimizer.lr = 0.01;
    options.optimizer.name = OptimizerName::adam;
  }

  TrainOutcome go(bool resume = false, const std::function<bool()>& stop = {}) {
    std::filesystem::create_directories(folder_ / "checkpoints");
    const Prefix prefix(*model, Precision::fp32);
    Trainee trainee(*model, BatchNorm::train);
    Batches train_source(prefix);
    Batches val(prefix);
    TrainObserver silent;
    return train(options, {trainee, train_source, val, {}, folder_ / "checkpoints", resume, stop},
                 silent);
  }

  std::unique_ptr<Model> model;
  TrainOptions options;

 private:
  const TemporaryFolder& folder_;
};

bool same_tensors(const Model& a, const Model& b) {
  const auto left = a.tensors();
  const auto right = b.tensors();
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!torch::equal(left[i].second, right[i].second)) return false;
  }
  return left.size() == right.size();
}

}  // namespace

TEST_CASE("training lowers the loss and learns what there is to learn") {
  const TemporaryFolder folder;
  Run run(folder);
  const TrainOutcome outcome = run.go();
  CHECK(outcome.end == TrainEnd::all_epochs);
  REQUIRE(outcome.history.size() == 4);
  CHECK(outcome.history.back().train_loss < outcome.history.front().train_loss);
  CHECK(outcome.history[outcome.best].val_accuracy == 1);
}

TEST_CASE("a stopped and resumed run ends as an undisturbed one, bit for bit") {
  const TemporaryFolder whole_folder;
  Run whole(whole_folder);
  const TrainOutcome expected = whole.go();

  for (const int stop_after : {1, 3, 5, 10}) {
    const TemporaryFolder folder;
    Run first(folder);
    int steps = 0;
    CHECK(first.go(false, [&] { return ++steps == stop_after; }).end == TrainEnd::interrupted);
    Run second(folder);
    const TrainOutcome outcome = second.go(true);
    INFO("stopped after step " << stop_after);
    REQUIRE(outcome.history.size() == expected.history.size());
    for (std::size_t i = 0; i < expected.history.size(); ++i) {
      CHECK(outcome.history[i].train_loss == expected.history[i].train_loss);
      CHECK(outcome.history[i].val_loss == expected.history[i].val_loss);
    }
    CHECK(outcome.best == expected.best);
    CHECK(same_tensors(*second.model, *whole.model));
  }
}

TEST_CASE("training stops early when validation gets no better") {
  const TemporaryFolder folder;
  Run run(folder);
  run.options.epochs = 50;
  run.options.early_stopping.patience = 2;
  const TrainOutcome outcome = run.go();
  CHECK(outcome.end == TrainEnd::early_stop);
  CHECK(outcome.history.size() < 50);
}

TEST_CASE("a loss that is not finite ends the run with its place") {
  const TemporaryFolder folder;
  Run run(folder);
  run.options.optimizer.name = OptimizerName::sgd;
  run.options.optimizer.lr = 1e30;
  const Error error = error_of([&] { run.go(); });
  CHECK(error.code() == ExitCode::training);
  CHECK(has(error.where(), "epoch 1, step"));
  CHECK(has(error.hint(), "lr"));
}

TEST_CASE("a damaged checkpoint is an error, not a crash") {
  const TemporaryFolder folder;
  Run run(folder);
  run.go();
  std::filesystem::resize_file(folder / "checkpoints" / "last.ckpt", 100);
  Run again(folder);
  CHECK(error_of([&] { again.go(true); }).code() == ExitCode::training);
}

TEST_CASE("every optimizer learns") {
  for (const auto name :
       {OptimizerName::adam, OptimizerName::adamw, OptimizerName::sgd, OptimizerName::rmsprop}) {
    const TemporaryFolder folder;
    Run run(folder);
    run.options.optimizer.name = name;
    run.options.epochs = 8;
    run.options.optimizer.momentum = name == OptimizerName::rmsprop ? 0 : 0.9;
    const TrainOutcome outcome = run.go();
    INFO("optimizer " << static_cast<int>(name));
    CHECK(outcome.history.back().train_loss < outcome.history.front().train_loss);
  }
}
