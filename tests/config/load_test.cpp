#include "tl/config/load.h"

#include "catch.h"
#include "error_of.h"
#include "source_folder.h"
#include "temporary_folder.h"
#include "tl/base/files.h"

#include <sstream>

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

}  // namespace

TEST_CASE("a key that only one optimizer or schedule has is unknown to the others") {
  const ConfigFile config;
  CHECK(refusal(config, {"train.optimizer={\"name\": \"sgd\", \"betas\": [0.9, 0.9]}"}) ==
        "unknown key train.optimizer.betas");
  CHECK(refusal(config, {"train.schedule.gamma=0.5"}) == "unknown key train.schedule.gamma");
}

TEST_CASE("what was resolved loads as the same experiment") {
  const ConfigFile first(R"("$schema": "experiment.schema.json", "augment": {"crop": null},
                             "train": {"optimizer": {"name": "adamw", "lr": 1}})");
  const LoadedExperiment loaded = first.load({"data.root=p/../q/", "backbone.input={}"});
  ConfigFile second;
  second.write(loaded.resolved.dump());
  CHECK(second.load().options == loaded.options);
  CHECK(second.load().resolved.dump() == loaded.resolved.dump());
  CHECK_FALSE(loaded.resolved.contains("$schema"));
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
  for (const auto& entry : fs::directory_iterator(source_folder() / "configs")) {
    if (entry.path().extension() != ".json" || has(entry.path().string(), ".schema.")) continue;
    INFO(entry.path());
    const Experiment e = tl::load_experiment(entry.path(), {}).options;
    CHECK(e.data.root.parent_path() == source_folder() / "data");
    CHECK(e.backbone.file == source_folder() / "models/efficientnet_lite0.pt");
    ++loaded;
  }
  CHECK(loaded >= 3);
}

TEST_CASE("the configs that the fuzzer begins with load, so that it gets behind the schema") {
  for (const auto& entry : fs::directory_iterator(source_folder() / "tests/fuzz/corpus/config")) {
    INFO(entry.path());
    std::istringstream text(tl::read_file(entry.path(), tl::ExitCode::data));
    std::string part;
    std::getline(text, part, '\0');
    ConfigFile config;
    config.write(part);
    std::vector<std::string> overrides;
    while (std::getline(text, part, '\0'))
      overrides.push_back(part);
    CHECK_NOTHROW(config.load(overrides));
  }
}

TEST_CASE("what is given of backbone.input goes over what the file says") {
  const ConfigFile config;
  const auto of_file = [](const fs::path& file) -> nlohmann::ordered_json {
    CHECK(file.filename() == "net.pt");
    return {{"input_size", 200}, {"resize", 240}, {"interpolation", "bicubic"}, {"std", {1, 1, 1}}};
  };
  const auto input = [&](const std::string& override) {
    const auto loaded = tl::load_experiment(config.path(), {override}, of_file);
    CHECK(loaded.resolved["backbone"]["input"].size() == 5);  // config.json is complete
    return *loaded.options.backbone.input;
  };
  const auto smaller = input("backbone.input.input_size=100");
  CHECK(smaller.height == 100);
  CHECK(smaller.resize == 120);  // the same part of the image
  CHECK(smaller.interpolation == tl::Interpolation::bicubic);
  CHECK(smaller.std[0] == 1);
  CHECK(smaller.mean == tl::InputSpec().mean);  // nobody said
  CHECK(input("backbone.input.resize=300").height == 200);
  CHECK(input(R"(backbone.input={"input_size": [50, 100]})").resize == 60);
  CHECK_FALSE(tl::load_experiment(config.path(), {}, of_file).options.backbone.input);
}

TEST_CASE("a path that is not UTF-8 is refused") {
  const ConfigFile config;
  CHECK(has(refusal(config, {"data.root=caf\xe9"}), "not UTF-8"));
}
