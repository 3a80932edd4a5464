#include "train/checkpoint.h"

// clang-format off: this one has to come before catch.h
#include "train/small_run.h"
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "source_folder.h"
#include "tl/base/files.h"
#include "train/contained.h"

using namespace tl;

namespace {

// A stage that made a step; `seed` decides the weights.
struct Pupil {
  explicit Pupil(const TemporaryFolder& folder, const Freeze& freeze = 1, std::uint64_t seed = 1)
      : run(folder, freeze, seed), stages(run.make_stages()) {
    stages.enter(0, 1);
    step(1);
  }
  Pupil(const Pupil&) = delete;

  // With the same gradient everywhere.
  void step(double gradient) {
    Stage& stage = stages.current();
    for (const auto& parameters :
         {stage.trainee.head_parameters(), stage.trainee.backbone_parameters()}) {
      for (const at::Tensor& parameter : parameters)
        parameter.mutable_grad() = torch::full_like(parameter, gradient);
    }
    stage.optimizer.step();
  }

  std::string encoded(const Position& position) const {
    return encode_checkpoint(position, stages.trained(), stages.current().optimizer);
  }
  void restore(const Checkpoint& checkpoint) const {
    checkpoint.restore(stages.trained());
    checkpoint.restore(stages.current().optimizer);
  }

  Run run;
  Stages stages;
};

Position position() {
  Position position{3, 7, 1.0 / 3, 20, 28, 0.125, {}, 1, 0, 0.75, 0, 2};
  position.history = {{1, 0.1, 0.2, 0.3, 0.4, 0.01, 5, 6}, {2, 0.11, 0.21, 0.31, 0.41, 0.01, 5, 6}};
  return position;
}

Checkpoint read(const std::string& bytes) {
  return {bytes, "here.ckpt"};
}

std::string fixture(int format) {
  const std::string name = "format" + std::to_string(format) + ".ckpt";
  return read_file(source_folder() / "tests/train/fixtures" / name, ExitCode::data);
}

}  // namespace

TEST_CASE("what a checkpoint holds is read again, to the bit") {
  const TemporaryFolder folder;
  Pupil one(folder);
  const std::string bytes = one.encoded(position());
  Pupil other(folder, 1, 2);
  REQUIRE_FALSE(same_tensors(*one.run.model, *other.run.model));

  const Checkpoint checkpoint = read(bytes);
  const Position& at = checkpoint.position();
  CHECK(at.epoch == 3);
  CHECK(at.step == 7);
  CHECK(at.loss_sum == 1.0 / 3);
  CHECK(at.correct == 20);
  CHECK(at.seen == 28);
  CHECK(at.seconds == 0.125);
  REQUIRE(at.history.size() == 2);
  CHECK(at.history[1].val_accuracy == 0.41);
  CHECK(at.best == 1);
  CHECK(at.best_for_stopping == 0.75);
  CHECK(at.stage == 0);
  CHECK(at.stage_began == 2);
  other.restore(checkpoint);
  CHECK(same_tensors(*one.run.model, *other.run.model));

  // The optimizer's state decides the next step.
  one.step(3);
  other.step(3);
  CHECK(same_tensors(*one.run.model, *other.run.model));
}

TEST_CASE("a checkpoint says of which epoch it holds the weights") {
  const TemporaryFolder folder;
  const Pupil pupil(folder);
  Position at = position();
  CHECK_FALSE(read(pupil.encoded(at)).position().is_end_of(2));  // seven steps further
  at.step = 0;
  CHECK(read(pupil.encoded(at)).position().is_end_of(2));
  CHECK_FALSE(read(pupil.encoded(at)).position().is_end_of(1));
}

TEST_CASE("damage anywhere in a checkpoint is noticed") {
  const TemporaryFolder folder;
  const std::string whole = Pupil(folder).encoded(position());
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{12},
                                   std::size_t{24}, whole.size() / 2, whole.size() - 1}) {
    INFO("the first " << length << " bytes");
    CHECK_THROWS_AS(read(whole.substr(0, length)), DamagedCheckpoint);
  }
  for (std::size_t i = 0; i < whole.size(); i += 1 + whole.size() / 200) {
    INFO("byte " << i);
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    CHECK_THROWS_AS(read(damaged), DamagedCheckpoint);
  }
  CHECK_THROWS_AS(read(whole + "x"), DamagedCheckpoint);
  CHECK_THROWS_AS(read("PK damaged"), DamagedCheckpoint);
  CHECK_THROWS_AS(read(contained("PK damaged")), DamagedCheckpoint);
}

TEST_CASE("a checkpoint of a newer version is refused") {
  const auto check = [](const std::string& bytes) {
    const Error error = error_of([&] { read(bytes); });
    CHECK(error.code() == ExitCode::failure);
    CHECK(has(error.what(), "newer version"));
    CHECK(error.where() == "here.ckpt");
    CHECK(has(error.hint(), "from nothing"));
  };
  check("tlckpt4\n and what nobody knows yet");
  std::string archive = fixture(3).substr(24);
  const std::string format = R"("format":3)";
  REQUIRE(has(archive, format));
  archive[archive.find(format) + format.size() - 1] = '4';
  check(contained(archive));
}

TEST_CASE("a position that can't be is damage") {
  const TemporaryFolder folder;
  const Pupil pupil(folder);
  Position at = position();
  at.best = 2;
  CHECK_THROWS_AS(read(pupil.encoded(at)), DamagedCheckpoint);
  at.best = 0;
  at.epoch = 0;
  CHECK_THROWS_AS(read(pupil.encoded(at)), DamagedCheckpoint);
  at = position();
  at.stage_began = 4;
  CHECK_THROWS_AS(read(pupil.encoded(at)), DamagedCheckpoint);
}

TEST_CASE("every format so far is read, and training goes on from it") {
  for (const int format : {1, 2, 3}) {
    INFO("format " << format);
    const TemporaryFolder folder;
    Run run(folder, FreezeWord::all);
    std::filesystem::create_directories(folder / "checkpoints");
    write_file(folder / "checkpoints/last.ckpt", fixture(format));
    const TrainOutcome outcome = run.go(true);
    REQUIRE(outcome.history.size() == 4);
    CHECK(outcome.history[0].train_loss == 1.2005609273910522);
    CHECK(outcome.history[1].val_loss == 0.9998258352279663);
    CHECK(outcome.history[2].epoch == 3);
  }
}

TEST_CASE("a checkpoint of another network is refused") {
  const TemporaryFolder folder;
  const std::string bytes = Pupil(folder, FreezeWord::all).encoded(position());
  Pupil other(folder, 1);  // trains more than the head
  const Checkpoint checkpoint = read(bytes);
  const Error error = error_of([&] { other.restore(checkpoint); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(has(error.what(), "does not fit the network"));
  CHECK(error.where() == "here.ckpt");
}
