#include "tl/train/stage.h"

// clang-format off: this one has to come before catch.h
#include "train/small_run.h"
// clang-format on

#include "catch.h"
#include "tl/train/schedule.h"
#include "train/compare_runs.h"

#include <algorithm>
#include <map>
#include <set>

using namespace tl;

namespace {

// First the head, then all but the first layer; each for four epochs of three steps.
Run two_stages(const TemporaryFolder& folder) {
  Run run(folder);
  run.stages = {{FreezeWord::all, 0.01}, {1, 0.003}};
  return run;
}

std::map<std::string, at::Tensor> copies(const Model& model) {
  std::map<std::string, at::Tensor> all;
  for (const auto& [name, tensor] : model.tensors())
    all[name] = tensor.detach().clone();
  return all;
}

// Names of the tensors that differ.
std::set<std::string> changed(const std::map<std::string, at::Tensor>& before, const Model& model) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : model.tensors()) {
    if (!torch::equal(before.at(name), tensor)) names.insert(name);
  }
  return names;
}

}  // namespace

TEST_CASE("a stage is made when it is entered, and knows what it may change") {
  const TemporaryFolder folder;
  Run run = two_stages(folder);
  Stages stages = run.make_stages();
  CHECK(stages.count() == 2);
  stages.enter(0, 1);
  CHECK(run.model->frozen_layers() == 3);
  REQUIRE_FALSE(stages.trained().empty());
  for (const TrainedTensor& t : stages.trained()) {
    CHECK(t.stage == 0);
    CHECK(t.name.starts_with("head."));
    CHECK_FALSE(t.before.defined());
  }

  const std::size_t of_first = stages.trained().size();
  stages.enter(1, 5);
  CHECK(run.model->frozen_layers() == 1);
  CHECK(stages.number() == 1);
  CHECK(stages.current().first_epoch == 5);
  CHECK(stages.current().last_epoch() == 8);
  REQUIRE(stages.trained().size() > of_first);
  for (std::size_t i = of_first; i < stages.trained().size(); ++i) {
    const TrainedTensor& t = stages.trained()[i];
    CHECK(t.stage == 1);
    CHECK(t.name.starts_with("backbone."));
    CHECK(torch::equal(t.before, t.tensor));
    CHECK_FALSE(t.before.is_alias_of(t.tensor));
  }
}

TEST_CASE("a schedule begins anew with its stage") {
  const TemporaryFolder folder;
  Run run = two_stages(folder);
  run.options.schedule.curve = CosineSchedule{};
  Stages stages = run.make_stages();
  stages.enter(0, 1);
  stages.enter(1, 5);
  const Stage& stage = stages.current();
  for (int step = 0; step < 12; ++step) {
    CHECK(stage.rate_factor(5 + step / 3, static_cast<std::size_t>(step % 3)) ==
          rate_factor(run.options.schedule, step, 12, 3));
  }
}

TEST_CASE("each stage trains what it does not freeze") {
  const TemporaryFolder folder;
  Run run = two_stages(folder);
  const auto before = copies(*run.model);
  run.options.epochs = 1;
  struct Watcher : TrainObserver {
    std::function<void()> at_end_of_epoch;
    void on_epoch(const std::vector<EpochMetrics>&, std::size_t) override { at_end_of_epoch(); }
  } watcher;
  std::vector<std::set<std::string>> changes;
  watcher.at_end_of_epoch = [&] { changes.push_back(changed(before, *run.model)); };
  CHECK(run.go(false, {}, watcher).history.size() == 2);
  REQUIRE(changes.size() == 2);
  const auto head = [](const std::string& name) { return name.starts_with("head."); };
  CHECK(std::all_of(changes[0].begin(), changes[0].end(), head));
  CHECK(changes[1].size() > changes[0].size());
  REQUIRE(before.count("backbone.stem.weight") == 1);
  CHECK(changes[1].count("backbone.stem.weight") == 0);
}

TEST_CASE("a run of two stages stopped anywhere ends as an undisturbed one, bit for bit") {
  const TemporaryFolder whole_folder;
  Run whole = two_stages(whole_folder);
  int asked = 0;
  const TrainOutcome expected = whole.go(false, [&] { return ++asked < 0; });
  CHECK(expected.history.size() == 8);
  CHECK(expected.best >= 4);  // the second stage learns more
  REQUIRE(asked == 65);       // eight epochs of 3 + 1 times in training and in validation, and once
  // In the first stage; at its end; before the second's first step, behind it, and later on.
  for (const int stop_at : {3, 8, 31, 32, 33, 34, 36, 40, 41, 50, 64, 65}) {
    INFO("stopped when asked for the " << stop_at << ". time");
    const TemporaryFolder folder;
    Run first = two_stages(folder);
    int times = 0;
    CHECK(first.go(false, [&] { return ++times == stop_at; }).end == TrainEnd::interrupted);
    Run second = two_stages(folder);
    check_same(second, second.go(true), whole, expected);
  }
}

TEST_CASE("a run of two stages killed at a step ends as an undisturbed one, bit for bit") {
  const TemporaryFolder whole_folder;
  Run whole = two_stages(whole_folder);
  const TrainOutcome expected = whole.go();
  for (const int step : {2, 12, 13, 14, 16, 24}) {
    INFO("killed at step " << step);
    const TemporaryFolder folder;
    Run first = two_stages(folder);
    first.options.checkpoint_every = EverySteps{2};
    Killer killer(step);
    CHECK_THROWS(first.go(false, {}, killer));
    Run second = two_stages(folder);
    check_same(second, second.go(true), whole, expected);
  }
}

namespace {

// No epoch of the second stage is better than the first stage's.
Run spoiled(const TemporaryFolder& folder) {
  Run run = two_stages(folder);
  run.stages.back().wrong = true;
  return run;
}

}  // namespace

TEST_CASE("the best epoch of an earlier stage is restored whole") {
  const TemporaryFolder first_folder;
  Run first(first_folder);
  first.stages = {{FreezeWord::all, 0.01}};
  const TrainOutcome expected = first.go();

  const auto check_is_first = [&](const Run& run, const TrainOutcome& outcome) {
    CHECK(outcome.history.size() == 8);
    CHECK(outcome.best == expected.best);
    CHECK(same_tensors(*run.model, *first.model));
    CHECK(run.model->frozen_layers() == 3);  // as in the stage of that epoch
  };
  {
    const TemporaryFolder folder;
    Run run = spoiled(folder);
    check_is_first(run, run.go());
  }
  for (const int step : {13, 15, 16, 20}) {  // in the second stage
    INFO("killed at step " << step);
    const TemporaryFolder folder;
    Run killed = spoiled(folder);
    killed.options.checkpoint_every = EverySteps{1};
    Killer killer(step);
    CHECK_THROWS(killed.go(false, {}, killer));
    Run run = spoiled(folder);
    check_is_first(run, run.go(true));
  }
}

TEST_CASE("early stopping ends a stage, and the next begins to count anew") {
  const TemporaryFolder folder;
  Run run = two_stages(folder);
  run.options.epochs = 30;
  run.options.early_stopping.patience = 2;
  const TrainOutcome outcome = run.go();
  CHECK(outcome.end == TrainEnd::early_stop);
  CHECK(outcome.history.size() < 30);
  CHECK(outcome.history.back().lr == 0.003);
}
