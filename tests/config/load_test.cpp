#include "tl/config/load.h"

#include "catch.h"
#include "error_of.h"
#include "temporary_folder.h"
#include "tl/base/files.h"

namespace fs = std::filesystem;
using tl::Experiment;
using tl::LoadedExperiment;

namespace {

const std::string minimal = R"("data": {"root": "photos"}, "backbone": {"file": "net.pt"})";

// A config file with the minimal keys and `more`, such as R"("train": {})".
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& more = {}) {
    write("{" + minimal + (more.empty() ? "" : ", " + more) + "}");
  }
  void write(const std::string& text) { tl::write_file(path(), text); }
  fs::path path() const { return folder_ / "a.json"; }
  fs::path folder() const { return folder_.path(); }
  LoadedExperiment load(const std::vector<std::string>& overrides = {}) const {
    return tl::load_experiment(path(), overrides);
  }

 private:
  TemporaryFolder folder_;
};

std::string refusal(const ConfigFile& config, const std::vector<std::string>& overrides = {}) {
  const auto error = error_of([&] { config.load(overrides); });
  CHECK(error.code() == tl::ExitCode::usage);
  CHECK(has(error.where(), "a.json"));
  return error.what();
}

const char* const full = R"({
  "$schema": "experiment.schema.json",
  "data": {"root": "/photos", "val": 0.2, "test": 0.1, "on_bad_image": "fail", "workers": 3},
  "backbone": {"file": "/net.pt", "init": "scratch", "freeze": 7, "batch_norm": "train",
               "input": {"input_size": [96, 128], "interpolation": "bicubic", "std": [1, 1, 0.1]}},
  "head": {"pool": "flatten", "hidden": [64, 32], "dropout": 0.5},
  "augment": {"crop": {"scale": [0.1, 0.9], "ratio": [0.5, 2]}, "flip": 0.1, "vertical_flip": 0.2,
              "rotation": 30, "jitter": {"brightness": 0.3, "contrast": 0.4, "saturation": 0.6, "hue": 0.05},
              "blur": {"probability": 0.7, "sigma": [0.5, 1.5]},
              "erase": {"probability": 0.8, "scale": [0.05, 0.2], "ratio": [0.4, 2.5]}},
  "features": {"cache": "off", "views": 4, "precision": "fp32", "folder": "/store",
               "disk_gb": 5, "ram_gb": 2},
  "train": {"epochs": 7, "batch_size": 16, "seed": 9007199254740991,
            "optimizer": {"name": "rmsprop", "lr": 0.02, "backbone_lr": 0.003, "weight_decay": 0.1,
                          "alpha": 0.8, "eps": 1e-6, "momentum": 0.4},
            "schedule": {"name": "one_cycle", "rise": 0.2, "start_factor": 0.1, "final_factor": 0.01},
            "loss": {"label_smoothing": 0.1, "class_weights": [1, 2.5]},
            "early_stopping": {"patience": 3, "min_delta": 0.01},
            "checkpoint_every": {"steps": 50}},
  "device": "cuda:1"
})";

}  // namespace

TEST_CASE("the structs' defaults are the schema's") {
  const ConfigFile config;
  Experiment expected;
  expected.data.root = config.folder() / "photos";
  expected.backbone.file = config.folder() / "net.pt";
  CHECK(config.load().options == expected);
}

TEST_CASE("every key reaches its option") {
  ConfigFile config;
  config.write(full);
  const Experiment e = config.load().options;
  CHECK(e.data == tl::DataOptions{"/photos", 0.2, 0.1, tl::BadImage::fail, 3});
  CHECK(e.backbone.file == "/net.pt");
  CHECK(e.backbone.init == tl::Init::scratch);
  CHECK(std::get<int>(e.backbone.freeze) == 7);
  CHECK(e.backbone.batch_norm == tl::BatchNorm::train);
  REQUIRE(e.backbone.input);
  CHECK(e.backbone.input->height == 96);
  CHECK(e.backbone.input->resize == 110);
  CHECK(e.backbone.input->std[2] == 0.1F);
  CHECK(e.head == tl::HeadOptions{tl::Pool::flatten, {64, 32}, 0.5});
  CHECK(e.augment == tl::AugmentOptions{tl::CropOptions{{0.1, 0.9}, {0.5, 2.0}},
                                        0.1,
                                        0.2,
                                        30.0,
                                        {0.3, 0.4, 0.6, 0.05},
                                        {0.7, {0.5, 1.5}},
                                        {0.8, {0.05, 0.2}, {0.4, 2.5}}});
  CHECK(e.features == tl::FeatureOptions{tl::Cache::off, 4, tl::Precision::fp32, "/store", 5, 2});
  CHECK(e.train.epochs == 7);
  CHECK(e.train.batch_size == 16);
  CHECK(e.train.seed == 9007199254740991U);
  CHECK(e.train.optimizer.name == tl::OptimizerName::rmsprop);
  CHECK(e.train.optimizer.lr == 0.02);
  CHECK(e.train.optimizer.backbone_lr == 0.003);
  CHECK(e.train.optimizer.weight_decay == 0.1);
  CHECK(e.train.optimizer.alpha == 0.8);
  CHECK(e.train.optimizer.eps == 1e-6);
  CHECK(e.train.optimizer.momentum == 0.4);
  CHECK(e.train.schedule.name == tl::ScheduleName::one_cycle);
  CHECK(e.train.schedule.rise == 0.2);
  CHECK(e.train.schedule.start_factor == 0.1);
  CHECK(e.train.schedule.final_factor == 0.01);
  CHECK(e.train.loss.label_smoothing == 0.1);
  CHECK(std::get<std::vector<double>>(e.train.loss.class_weights) == std::vector<double>{1, 2.5});
  CHECK(e.train.early_stopping == tl::EarlyStoppingOptions{3, 0.01});
  CHECK(e.train.checkpoint_every == tl::CheckpointEvery{50, std::nullopt});
  CHECK(e.device == "cuda:1");
}

TEST_CASE("optimizers and schedules bring their own defaults and keys") {
  const ConfigFile config;
  const auto optimizer = [&](const char* name) {
    return config.load({std::string("train.optimizer.name=") + name}).options.train.optimizer;
  };
  CHECK(optimizer("sgd").momentum == 0.9);
  CHECK(optimizer("rmsprop").momentum == 0.0);
  CHECK(optimizer("adam").weight_decay == 0.0);
  CHECK(optimizer("adamw").weight_decay == 0.01);
  CHECK(optimizer("adamw").name == tl::OptimizerName::adamw);
  const auto schedule = [&](const char* name) {
    return config.load({std::string("train.schedule.name=") + name}).options.train.schedule;
  };
  CHECK(schedule("step").name == tl::ScheduleName::step);
  CHECK(schedule("cosine").final_factor == 0.0);
  CHECK(schedule("one_cycle").final_factor == 1e-4);
  CHECK(refusal(config, {"train.optimizer={\"name\": \"sgd\", \"betas\": [0.9, 0.9]}"}) ==
        "unknown key train.optimizer.betas");
  CHECK(refusal(config, {"train.schedule.gamma=0.5"}) == "unknown key train.schedule.gamma");
}

TEST_CASE("freeze, views, crop, input, class weights and checkpoints have several forms") {
  const ConfigFile config;
  const auto load = [&](const char* text) { return config.load({text}).options; };
  CHECK(std::get<tl::FreezeWord>(load("backbone.freeze=all").backbone.freeze) ==
        tl::FreezeWord::all);
  CHECK(std::get<tl::FreezeWord>(load("backbone.freeze=none").backbone.freeze) ==
        tl::FreezeWord::none);
  CHECK(std::get<int>(load("backbone.freeze=0").backbone.freeze) == 0);
  CHECK(std::get<std::string>(load("backbone.freeze=features.3").backbone.freeze) == "features.3");
  CHECK_FALSE(load("features.views=epoch").features.views);
  CHECK_FALSE(load("augment.crop=null").augment.crop);
  CHECK(load("augment.crop.scale=[0.9, 1]").augment.crop->ratio[1] == 1.333);
  CHECK(load("backbone.input.input_size=64").backbone.input->resize == 73);
  CHECK(std::get<std::string>(load("train.loss.class_weights=balanced").train.loss.class_weights) ==
        "balanced");
  CHECK(load("train.checkpoint_every=null").train.checkpoint_every == tl::CheckpointEvery{});
  CHECK(load("train.checkpoint_every.seconds=0.5").train.checkpoint_every.seconds == 0.5);
}

TEST_CASE("what was resolved loads as the same experiment") {
  for (const char* text :
       {full, R"({"data": {"root": "p/../q/"}, "backbone": {"file": "./n.pt"}})"}) {
    ConfigFile first;
    first.write(text);
    const LoadedExperiment loaded = first.load();
    ConfigFile second;
    second.write(loaded.resolved.dump());
    CHECK(second.load().options == loaded.options);
    CHECK(second.load().resolved.dump() == loaded.resolved.dump());
    CHECK_FALSE(loaded.resolved.contains("$schema"));
  }
}

TEST_CASE("paths in a file are relative to it, those of overrides to the working directory") {
  ConfigFile config;
  config.write(R"({"data": {"root": "../photos/"}, "backbone": {"file": "/models/net.pt"}})");
  const LoadedExperiment loaded = config.load();
  CHECK(loaded.options.data.root == config.folder().parent_path() / "photos");
  CHECK(loaded.options.backbone.file == "/models/net.pt");
  CHECK(loaded.resolved["data"]["root"] == loaded.options.data.root.string());

  const Experiment changed = config.load({"data.root=here", "backbone.file=./a/../b.pt"}).options;
  CHECK(changed.data.root == fs::current_path() / "here");
  CHECK(changed.backbone.file == fs::current_path() / "b.pt");
}

TEST_CASE("a file named relative to the working directory has its paths beside it") {
  const ConfigFile config;
  const fs::path relative = fs::relative(config.path());
  CHECK(tl::load_experiment(relative, {}).options.data.root == config.folder() / "photos");
}

TEST_CASE("overrides replace, later ones win, and text needs no quotes") {
  const ConfigFile config(R"("train": {"epochs": 3, "seed": 4})");
  const Experiment e = config
                           .load({"train.epochs=5", "train.epochs=6", "device=cpu",
                                  "train.optimizer.lr=1e-2", "head.hidden=[8, 4]"})
                           .options;
  CHECK(e.train.epochs == 6);
  CHECK(e.train.seed == 4);
  CHECK(e.device == "cpu");
  CHECK(e.train.optimizer.lr == 0.01);
  CHECK(e.head.hidden == std::vector<int>{8, 4});
}

TEST_CASE("bad overrides are refused") {
  const ConfigFile config;
  const auto malformed = error_of([&] { config.load({"train.epochs"}); });
  CHECK(std::string(malformed.what()) == "an override must be KEY=JSON");
  CHECK(malformed.where() == "--set train.epochs");
  CHECK(error_of([&] { config.load({"=3"}); }).code() == tl::ExitCode::usage);
  CHECK(has(error_of([&] { config.load({R"(augment={"flip": 0, "flip": 1})"}); }).what(), "twice"));
  CHECK(refusal(config, {"train.epoch=3"}) == "unknown key train.epoch");
  CHECK(has(refusal(config, {"train.epochs=many"}), "train.epochs is \"many\", but must be"));
  CHECK(has(refusal(config, {"train.epochs.x=1"}), "train.epochs is {\"x\":1}, but must be"));
  CHECK(has(refusal(config, {"train..epochs=1"}), "unknown key train."));
  CHECK(has(error_of([&] { config.load({"train.epochs=0"}); }).where(), "--set train.epochs=0"));
}

TEST_CASE("a config that is not there, or broken, or empty") {
  const TemporaryFolder folder;
  const auto missing = error_of([&] { tl::load_experiment(folder / "a.json", {}); });
  CHECK(missing.code() == tl::ExitCode::usage);
  CHECK(missing.where() == (folder / "a.json").string());
  CHECK(has(missing.what(), "No such file"));

  ConfigFile config;
  config.write("{\n  \"data\": {\"root\": \"x\",}\n}");
  const auto broken = error_of([&] { config.load(); });
  CHECK(broken.where() == config.path().string() + ":2:24");
  config.write("[1]");
  CHECK(refusal(config) == "the config is [1], but must be an object in {}");
  config.write("{}");
  CHECK(has(refusal(config), "the key data is missing"));
  config.write(R"({"data": {}, "backbone": {}})");
  CHECK(refusal(config) == "the key data.root is missing; it must be a string that is not empty");
  config.write(R"({"data": {"root": "x", "root": "y"}, "backbone": {"file": "n"}})");
  CHECK(refusal(config) == "the key data.root is given twice");
}

TEST_CASE("keys that are unknown, mistyped or out of range") {
  const auto what_of = [](const char* more) { return refusal(ConfigFile(more)); };
  CHECK(what_of(R"("trian": {})") == "unknown key trian");
  CHECK(what_of(R"("train": {"optimizer": {"learning_rate": 1}})") ==
        "unknown key train.optimizer.learning_rate");
  CHECK(what_of(R"("train": {"optimizer": {"lr": 0}})") ==
        "train.optimizer.lr is 0, but must be a number above 0");
  CHECK(what_of(R"("train": {"optimizer": {"name": "adan"}})") ==
        "train.optimizer.name is \"adan\", but must be "
        "\"adam\", \"adamw\", \"sgd\" or \"rmsprop\"");
  CHECK(
      has(what_of(R"("train": {"batch_size": "32"})"), "train.batch_size is \"32\", but must be"));
  CHECK(has(what_of(R"("augment": {"crop": {"scale": [0, 1]}})"), "augment.crop.scale[0] is 0"));
  CHECK(has(what_of(R"("train": {"checkpoint_every": {"steps": 0}})"),
            "train.checkpoint_every.steps is 0, but must be"));
  CHECK(has(what_of(R"("train": {"checkpoint_every": {"seconds": 0}})"), "a number above 0"));
  CHECK(has(what_of(R"("augment": {"crop": false})"), "must be an object in {} or null"));
  CHECK(has(what_of(R"("features": {"views": "epochs"})"),
            "\"epoch\" or an integer from 1 to 10000"));
  CHECK(has(what_of(R"("device": "cuda:x")"), "\"auto\", \"cpu\", \"cuda\" or a string"));
  CHECK(has(what_of(R"("train": {"loss": {"class_weights": [1]}})"), "a list of at least 2"));

  const auto near = error_of([] { ConfigFile(R"("train": {"optimiser": {}})").load(); });
  CHECK(has(near.hint(), "did you mean \"optimizer\"?"));
  const auto described = error_of([] { ConfigFile(R"("head": {"dropout": 1})").load(); });
  CHECK(described.hint() == "Probability, before each Linear.");
}

TEST_CASE("what the schema can't say is checked too") {
  const ConfigFile config;
  CHECK(has(refusal(config, {"data.val=0.6", "data.test=0.4"}), "together they must be below 1"));
  CHECK(refusal(config, {"backbone.freeze=auto"}) ==
        "backbone.freeze is \"auto\", which is not available yet");
  CHECK(
      has(refusal(config, {R"(train.optimizer={"name": "sgd", "momentum": 0, "nesterov": true})"}),
          "train.optimizer.momentum is 0"));
  CHECK(has(refusal(config, {"train.checkpoint_every={}"}), "one of the keys steps and seconds"));
  CHECK(has(refusal(config, {R"(train.checkpoint_every={"steps": 1, "seconds": 1})"}),
            "one of the keys steps and seconds"));
  CHECK(refusal(config, {"augment.crop.ratio=[2, 1]"}) ==
        "augment.crop.ratio is [2,1], but the first number must not be above the second");
  CHECK(has(refusal(config, {"augment.blur.sigma=[2, 1]"}), "augment.blur.sigma is [2,1]"));
  CHECK(has(refusal(config, {"augment.erase.scale=[0.3, 0.1]"}), "augment.erase.scale"));
  CHECK(has(refusal(config, {R"(backbone.input={"input_size": 224, "resize": 100})"}),
            "backbone.input.resize is 100, but must be"));
}

TEST_CASE("the configs that come with the project load") {
  int loaded = 0;
  for (const auto& entry : fs::directory_iterator(TL_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".json" || has(entry.path().string(), ".schema.")) continue;
    INFO(entry.path());
    const Experiment e = tl::load_experiment(entry.path(), {}).options;
    CHECK(e.data.root.parent_path() == fs::path(TL_SOURCE_DIR) / "data");
    CHECK(e.backbone.file == fs::path(TL_SOURCE_DIR) / "models/efficientnet_lite0.pt");
    ++loaded;
  }
  CHECK(loaded >= 3);
}
