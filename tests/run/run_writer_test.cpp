#include "run/run_writer.h"

// clang-format off: this one has to come before catch.h
#include "train/noise_images.h"
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "run/run_split.h"
#include "tl/base/files.h"

using namespace tl;

namespace {

// A run of the noise images that is about to begin.
struct Begun {
  Begun() {
    write_file(images.folder / "config.json",
               R"({"data": {"root": "."}, "backbone": {"file": "net.pt", "freeze": 1}})");
    prepared = prepare_with({});
    writer().begin();
  }

  std::unique_ptr<Prepared> prepare_with(const std::vector<std::string>& overrides) {
    auto made = std::make_unique<Prepared>(
        Prepared{load_experiment(images.folder / "config.json", overrides),
                 images.dataset,
                 std::make_shared<ImageCache>(0, 16),
                 make_objective({}, images.dataset),
                 {},
                 Model::load(images.folder / "net.pt", InputSpec{16, 16, 16}),
                 c10::Device(c10::kCPU)});
    made->model.attach_head({}, 2, 1);
    made->model.freeze(1);
    return made;
  }
  RunWriter writer() { return {*prepared, folder, silent}; }

  // The files of a training that ended like this.
  void end(TrainEnd how) {
    RunWriter ending = writer();
    ending.end_training({how, {EpochMetrics{1}}, 0});
    if (how == TrainEnd::interrupted) return;
    const std::vector<Prediction> predictions = {{"a/100.png", 0, {0.7F, 0.3F}}};
    ending.write_report(Split::val, predictions,
                        compute_metrics(predictions, images.dataset.classes));
  }

  NoiseImages images;
  RunFolder folder{images.folder / "run"};
  TrainObserver silent;
  std::unique_ptr<Prepared> prepared;
};

}  // namespace

TEST_CASE("a run begins with all that is known before the first step") {
  const Begun run;
  CHECK(run.folder.holds_a_run());
  for (const auto& file : {run.folder.contents(), run.folder.skipped(), run.folder.faults()})
    CHECK(std::filesystem::exists(file));
  CHECK(resolved_config(run.folder) == run.prepared->experiment.resolved);
  CHECK_FALSE(run.folder.is_finished());
}

TEST_CASE("a run is finished where no epochs are left") {
  Begun run;
  run.end(TrainEnd::interrupted);
  CHECK(read_metrics(run.folder.metrics()).size() == 1);
  CHECK_FALSE(std::filesystem::exists(run.folder.model()));
  run.end(TrainEnd::on_request);
  CHECK(std::filesystem::exists(run.folder.report()));
  CHECK_FALSE(run.folder.is_finished());
  run.end(TrainEnd::all_epochs);
  CHECK(run.folder.is_finished());
  CHECK(is_done(run.folder, run.prepared->experiment));
}

TEST_CASE("a finished run that is to have more epochs is unfinished until it has them") {
  Begun run;
  run.end(TrainEnd::all_epochs);
  run.prepared = run.prepare_with({"train.epochs=20"});
  CHECK_FALSE(is_done(run.folder, run.prepared->experiment));
  run.writer().resume();
  CHECK_FALSE(run.folder.is_finished());
  CHECK(resolved_config(run.folder)["train"]["epochs"] == 20);
  run.end(TrainEnd::early_stop);
  CHECK(is_done(run.folder, run.prepared->experiment));
}

TEST_CASE("a run goes on with the backbone and the images that it began with") {
  Begun run;
  run.writer().resume();
  run.prepared->dataset.samples[0].content[0] ^= 1;
  CHECK(error_of([&] { run.writer().resume(); }).code() == ExitCode::data);
  run.prepared->dataset.samples[0].content[0] ^= 1;
  write_file(run.images.folder / "net.pt", "another");
  CHECK(has(error_of([&] { run.writer().resume(); }).what(), "backbone file has changed"));
}

TEST_CASE("a run's split is known by content") {
  Begun run;
  const RunSplit split(run.folder);
  for (Sample sample : run.images.dataset.samples) {
    sample.path = "elsewhere.png";
    CHECK(split.of(sample) == sample.split);
  }
  CHECK_FALSE(split.of(Sample{"a/100.png", 0, Split::train, 0}));
}

TEST_CASE("of copies in several splits the path decides, or else the nearest to training") {
  Begun run;
  Dataset& dataset = run.prepared->dataset;
  dataset.samples.resize(2);
  dataset.samples[1].content = dataset.samples[0].content;
  dataset.samples[0].split = Split::test;
  dataset.samples[1].split = Split::val;
  run.writer().begin();
  const RunSplit split(run.folder);
  Sample sample = dataset.samples[0];
  CHECK(split.of(sample) == Split::test);
  sample.path = "elsewhere.png";
  CHECK(split.of(sample) == Split::val);
}
