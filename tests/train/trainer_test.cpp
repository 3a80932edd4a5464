#include "tl/train/trainer.h"

// clang-format off: this one has to come before catch.h
#include "train/small_run.h"
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "tl/base/files.h"
#include "train/compare_runs.h"

using namespace tl;

TEST_CASE("training lowers the loss and learns what there is to learn") {
  const TemporaryFolder folder;
  Run run(folder);
  const TrainOutcome outcome = run.go();
  CHECK(outcome.end == TrainEnd::all_epochs);
  REQUIRE(outcome.history.size() == 4);
  CHECK(outcome.history.back().train_loss < outcome.history.front().train_loss);
  CHECK(outcome.history[outcome.best].val_accuracy == 1);
}

namespace {

// A run that is killed at a step and resumed ends as an undisturbed one; `prepare` sets its
// options, `step` may depend on how the undisturbed one went.
void check_survives_a_kill(const std::function<void(TrainOptions&)>& prepare,
                           const std::function<int(const TrainOutcome&)>& step) {
  const auto run_in = [&](const TemporaryFolder& folder) {
    Run run(folder);
    prepare(run.options);
    return run;
  };
  const TemporaryFolder whole_folder;
  Run whole = run_in(whole_folder);
  const TrainOutcome expected = whole.go();
  const TemporaryFolder folder;
  Run first = run_in(folder);
  Killer killer(step(expected));
  CHECK_THROWS(first.go(false, {}, killer));
  Run second = run_in(folder);
  check_same(second, second.go(true), whole, expected);
}

}  // namespace

TEST_CASE("a run stopped anywhere and resumed ends as an undisturbed one, bit for bit") {
  const TemporaryFolder whole_folder;
  Run whole(whole_folder);
  int asked = 0;
  const TrainOutcome expected = whole.go(false, [&] { return ++asked < 0; });
  CHECK(asked == 33);  // four epochs of 3 + 1 times in training and in validation, and at the end

  // Before the first step, after it, at the end of training, in validation, behind it, later on.
  for (const int stop_at : {1, 2, 4, 5, 8, 9, 11, 24, 33}) {
    INFO("stopped when asked for the " << stop_at << ". time");
    const TemporaryFolder folder;
    Run first(folder);
    int times = 0;
    CHECK(first.go(false, [&] { return ++times == stop_at; }).end == TrainEnd::interrupted);
    CHECK(times == stop_at);
    Run second(folder);
    check_same(second, second.go(true), whole, expected);
  }
}

TEST_CASE("a run killed at a step ends as an undisturbed one, bit for bit") {
  const TemporaryFolder whole_folder;
  Run whole(whole_folder);
  const TrainOutcome expected = whole.go();

  const CheckpointEvery never;
  const CheckpointEvery second_step = EverySteps{2};
  const CheckpointEvery at_once = EverySeconds{1e-9};
  for (const CheckpointEvery& every : {never, second_step, at_once}) {
    for (const int step : {1, 3, 5, 12}) {
      INFO("killed at step " << step);
      const TemporaryFolder folder;
      Run first(folder);
      first.options.checkpoint_every = every;
      Killer killer(step);
      CHECK_THROWS(first.go(false, {}, killer));
      Run second(folder);
      check_same(second, second.go(true), whole, expected);
    }
  }
}

TEST_CASE("every optimizer goes on with the state that it had") {
  const auto check = [](const auto& rule) {
    INFO(rule.name);
    check_survives_a_kill([&](TrainOptions& options) { options.optimizer.rule = rule; },
                          [](const TrainOutcome&) { return 8; });
  };
  check(AdamWOptions{});
  check(SgdOptions{});
  RmsPropOptions with_momentum;
  with_momentum.momentum = 0.9;
  check(with_momentum);
}

TEST_CASE("a stopped run is saved where it stands") {
  const auto first_step_after = [](int stop_at) {
    const TemporaryFolder folder;
    int asked = 0;
    Run(folder).go(false, [&] { return ++asked == stop_at; });
    Killer watcher(0);
    Run(folder).go(true, {}, watcher);
    return watcher.steps.front();
  };
  CHECK(first_step_after(3) == 3);  // behind two steps of the first epoch
  CHECK(first_step_after(6) == 1);  // in its validation: no step of it is made again
}

TEST_CASE("the best so far is taken without a step, and training still goes on") {
  const TemporaryFolder whole_folder;
  Run whole(whole_folder);
  const TrainOutcome expected = whole.go();

  const TemporaryFolder folder;
  Killer killer(9);
  CHECK_THROWS(Run(folder).go(false, {}, killer));
  Run best(folder);
  const TrainOutcome so_far = best.take_best();
  CHECK(so_far.end == TrainEnd::on_request);
  CHECK(so_far.history.size() < expected.history.size());
  Run second(folder);
  check_same(second, second.go(true), whole, expected);
  Run over(folder);
  CHECK(over.take_best().end == TrainEnd::all_epochs);
  CHECK(same_tensors(*over.model, *whole.model));
}

TEST_CASE("there is no best before the first epoch is over") {
  const TemporaryFolder folder;
  Run run(folder);
  CHECK(error_of([&] { run.take_best(); }).code() == ExitCode::usage);
}

TEST_CASE("an observer is told where training goes on") {
  struct Listener : TrainObserver {
    void on_resume(int epoch, std::size_t step) override { at = {epoch, step}; }
    std::pair<int, std::size_t> at{0, 0};
  } listener;
  const TemporaryFolder folder;
  Run run(folder);
  run.go(false, {}, listener);
  CHECK(listener.at == std::pair<int, std::size_t>(0, 0));
  run.go(true, {}, listener);
  CHECK(listener.at == std::pair<int, std::size_t>(run.options.epochs + 1, 0));
}

TEST_CASE("a killed run goes on from its checkpoint within the epoch") {
  const auto first_step_after = [](const CheckpointEvery& every) {
    const TemporaryFolder folder;
    Run first(folder);
    first.options.checkpoint_every = every;
    Killer killer(6);  // the last step of epoch 2, before it is saved
    CHECK_THROWS(first.go(false, {}, killer));
    Killer watcher(0);
    Run(folder).go(true, {}, watcher);
    return watcher.steps.front();
  };
  CHECK(first_step_after({}) == 1);
  CHECK(first_step_after(EverySteps{2}) == 3);
  CHECK(first_step_after(EverySeconds{1e-9}) == 3);
  CHECK(first_step_after(EverySeconds{1e9}) == 1);
}

TEST_CASE("a run that lost any one checkpoint ends as an undisturbed one, bit for bit") {
  const TemporaryFolder whole_folder;
  Run whole(whole_folder);
  const TrainOutcome expected = whole.go();

  int lost = 0;
  for (const char* name : {"last.ckpt", "last.previous.ckpt", "best.ckpt", "best.previous.ckpt"}) {
    for (const bool damaged : {true, false}) {
      const TemporaryFolder folder;
      Run first(folder);
      Killer killer(11);  // in the last epoch
      CHECK_THROWS(first.go(false, {}, killer));
      const auto file = folder / "checkpoints" / name;
      if (!std::filesystem::exists(file)) continue;
      ++lost;
      if (damaged) {
        write_file(file, read_file(file, ExitCode::data).substr(1));
      } else {
        std::filesystem::remove(file);
      }
      INFO(name << (damaged ? " damaged" : " gone"));
      Run second(folder);
      check_same(second, second.go(true), whole, expected);
    }
  }
  CHECK(lost >= 6);
}

TEST_CASE("a resumed run without any checkpoint begins") {
  const TemporaryFolder folder;
  Run run(folder);
  CHECK(run.go(true).history.size() == 4);
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

TEST_CASE("early stopping goes on counting where a killed run was") {
  check_survives_a_kill(
      [](TrainOptions& options) {
        options.epochs = 50;
        options.early_stopping.patience = 2;
      },
      [](const TrainOutcome& whole) {  // the last step of all
        return 3 * static_cast<int>(whole.history.size());
      });
}

TEST_CASE("a loss that is not finite ends the run with its place") {
  const TemporaryFolder folder;
  Run run(folder);
  run.options.optimizer.rule = SgdOptions{};
  run.stages.front().lr = 1e30;
  const Error error = error_of([&] { run.go(); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(has(error.where(), "epoch 1, step"));
  CHECK(has(error.hint(), "lr"));
}

TEST_CASE("every optimizer learns") {
  const auto check = [](const auto& rule) {
    INFO(rule.name);
    const TemporaryFolder folder;
    Run run(folder);
    run.options.optimizer.rule = rule;
    run.options.epochs = 8;
    const TrainOutcome outcome = run.go();
    CHECK(outcome.history.back().train_loss < outcome.history.front().train_loss);
  };
  check(AdamOptions{});
  check(AdamWOptions{});
  check(SgdOptions{});
  check(RmsPropOptions{});
}
