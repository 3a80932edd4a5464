#include "config/options_json.h"

#include "catch.h"
#include "config/json_fields.h"
#include "config/schema_values.h"
#include "error_of.h"
#include "temporary_folder.h"
#include "tl/base/files.h"
#include "tl/base/text.h"
#include "tl/config/load.h"
#include "tl/config/schema.h"

using namespace tl;
using Json = nlohmann::ordered_json;

namespace {

Json schema() {
  Json experiment = without_references(experiment_schema());
  experiment["properties"].erase("$schema");
  return experiment;
}

std::vector<Json> samples(const Json& schema);

// A number that is not the default: the first that is allowed of some beside it and of some others.
std::vector<Json> number_samples(const Json& schema) {
  const Json original = schema.value("default", Json());
  const double base = original.is_number() ? original.get<double>() : 1;
  for (const double sample : {schema.value("maximum", 1.0), 0.9 * base, base + 1, 0.5, 1.0}) {
    Json value = sample;
    if (schema["type"] == "integer") value = static_cast<std::int64_t>(sample);
    if (value != original && admits(schema, value)) return {value};
  }
  return {};
}

// Numbers rise, as in a range.
std::vector<Json> list_samples(const Json& schema) {
  std::vector<Json> lists;
  for (const Json& item : samples(schema["items"])) {
    Json list(schema.value("minItems", std::size_t{2}), item);
    if (item.is_number_integer()) list[0] = item.get<std::int64_t>() / 4;
    if (item.is_number_float()) list[0] = item.get<double>() / 4;
    lists.push_back(list);
  }
  return lists;
}

// So many objects that each sample of each key is in one of them.
std::vector<Json> object_samples(const Json& schema) {
  std::vector<Json> objects;
  if (schema.value("maxProperties", 0) == 1) {
    for (const auto& key : schema["properties"].items()) {
      for (const Json& sample : samples(key.value()))
        objects.push_back({{key.key(), sample}});
    }
    return objects;
  }
  for (const auto& key : schema["properties"].items()) {
    const std::vector<Json> of_key = samples(key.value());
    objects.resize(std::max(objects.size(), of_key.size()),
                   objects.empty() ? Json::object() : objects.front());
  }
  for (const auto& key : schema["properties"].items()) {
    const std::vector<Json> of_key = samples(key.value());
    INFO(key.key());
    REQUIRE_FALSE(of_key.empty());
    for (std::size_t i = 0; i < objects.size(); ++i)
      objects[i][key.key()] = of_key[i % of_key.size()];
  }
  return objects;
}

std::vector<Json> samples_of_type(const Json& schema) {
  const Json& type = schema["type"];
  if (type == "object") return object_samples(schema);
  if (type == "array") return list_samples(schema);
  if (type == "boolean") return {true, false};
  if (type == "null") return {nullptr};
  if (type == "string")
    return schema.contains("pattern") ? std::vector<Json>{"cuda:1"} : std::vector<Json>{"/a"};
  return number_samples(schema);
}

// Values that the schema allows and that are not its default: of each alternative, type and word.
std::vector<Json> samples(const Json& schema) {
  std::vector<Json> all;
  const auto add = [&](const std::vector<Json>& more) {
    for (const Json& value : more) {
      if (value != schema.value("default", Json("no default")) || schema.contains("const"))
        all.push_back(value);
    }
  };
  if (schema.contains("const")) {
    add({schema["const"]});
  } else if (schema.contains("enum")) {
    add(schema["enum"]);
  } else if (schema.contains("oneOf")) {
    for (const Json& branch : schema["oneOf"])
      add(samples(branch));
  } else if (schema["type"].is_array()) {
    Json single = schema;
    for (const Json& type : schema["type"]) {
      single["type"] = type;
      add(samples_of_type(single));
    }
  } else {
    add(samples_of_type(schema));
  }
  return all;
}

class Config {
 public:
  LoadedExperiment load(const Json& config, const std::vector<std::string>& overrides = {}) const {
    write_file(folder_ / "a.json", config.dump());
    return load_experiment(folder_ / "a.json", overrides);
  }
  Experiment options(const std::vector<std::string>& overrides = {}) const {
    return load({{"data", {{"root", "/photos"}}}, {"backbone", {{"file", "/net.pt"}}}}, overrides)
        .options;
  }

 private:
  TemporaryFolder folder_;
};

// The options where the config says no more than it must.
Experiment defaults() {
  Experiment experiment;
  experiment.data.root = "/photos";
  experiment.backbone.file = "/net.pt";
  return experiment;
}

// What an exact head excludes and what it alone knows can't stand in one config, so it becomes two.
std::vector<Json> consistent(const std::vector<Json>& configs) {
  std::vector<Json> all;
  for (Json config : configs) {
    Json& head = config["head"];
    head["fit"] = "gradient";
    Json exact = config;
    head["refit"] = false;
    if (head["inputs"] == "auto") head["inputs"] = "depths";
    all.push_back(config);
    exact["head"].update({{"fit", "exact"}, {"hidden", Json::array()}, {"dropout", 0.2}});
    exact["train"]["loss"]["label_smoothing"] = 0.0;
    all.push_back(exact);
  }
  return all;
}

// Calls use(alternative) with a fresh one of each of the variant's.
template <typename... Alternatives, typename Use>
void for_each_alternative(const std::variant<Alternatives...>&, Use use) {
  (use(Alternatives{}), ...);
}

}  // namespace

TEST_CASE("the structs' defaults are the schema's") {
  CHECK(Config().options() == defaults());
  for_each_alternative(OptimizerOptions{}.rule, [](const auto& rule) {
    INFO(rule.name);
    Experiment expected = defaults();
    expected.train.optimizer.rule = rule;
    CHECK(Config().options({str("train.optimizer.name=", rule.name)}) == expected);
  });
  for_each_alternative(ScheduleOptions{}.curve, [](const auto& curve) {
    INFO(curve.name);
    Experiment expected = defaults();
    expected.train.schedule.curve = curve;
    CHECK(Config().options({str("train.schedule.name=", curve.name)}) == expected);
  });
  CHECK(Config().options({"backbone.input={}"}).backbone.input == InputSpec{});
}

TEST_CASE("every key reaches its option") {
  const std::vector<Json> configs = consistent(samples(schema()));
  const Json ordinary = to_json(defaults()).flatten();
  for (const auto& key : ordinary.items()) {
    INFO(key.key());
    CHECK(std::any_of(configs.begin(), configs.end(), [&](const Json& config) {
      return config.flatten().value(key.key(), Json("absent")) != key.value();
    }));
  }
  for (const Json& config : configs) {
    INFO(config);
    const LoadedExperiment loaded = Config().load(config);
    CHECK(nlohmann::json(loaded.resolved) == nlohmann::json(config));
    CHECK(to_json(loaded.options) == nlohmann::json(config));
  }
}

TEST_CASE("each word and form means what it says") {
  const Config config;
  const auto load = [&](const char* text) { return config.options({text}); };
  CHECK(load("data.on_bad_image=fail").data.on_bad_image == BadImage::fail);
  CHECK(load("backbone.init=scratch").backbone.init == Init::scratch);
  CHECK(load("backbone.batch_norm=train").backbone.batch_norm == BatchNorm::train);
  CHECK(load("head.pool=avg").head.pool == Pool::avg);
  CHECK(load("head.pool=max").head.pool == Pool::max);
  CHECK(load("head.pool=flatten").head.pool == Pool::flatten);
  CHECK(load("features.cache=off").features.cache == Cache::off);
  CHECK(load("features.cache=ram").features.cache == Cache::ram);
  CHECK(load("features.cache=disk").features.cache == Cache::disk);
  CHECK(load("features.precision=fp32").features.precision == Precision::fp32);
  CHECK(load("train.precision=bf16").train.precision == Precision::bf16);
  CHECK(load("backbone.freeze=all").backbone.freeze == Freeze(FreezeWord::all));
  CHECK(load("backbone.freeze=none").backbone.freeze == Freeze(FreezeWord::none));
  CHECK(load("backbone.freeze=0").backbone.freeze == Freeze(0));
  CHECK(load("backbone.freeze=features.3").backbone.freeze == Freeze("features.3"));
  CHECK(load("features.views=epoch").features.views == Views(FreshViews::epoch));
  CHECK(load("features.views=4").features.views == Views(4));
  CHECK_FALSE(load("augment.crop=null").augment.crop);
  CHECK(load("augment.crop.scale=[0.9, 1]").augment.crop->ratio[1] == 1.333);
  CHECK(load("backbone.input.input_size=64").backbone.input->resize == 73);
  const auto weights = [&](const char* text) { return load(text).train.loss.class_weights; };
  CHECK(std::get<ClassWeighting>(weights("train.loss.class_weights=balanced")) ==
        ClassWeighting::balanced);
  CHECK(std::get<std::vector<double>>(weights("train.loss.class_weights=[1, 2.5]"))[1] == 2.5);
  const auto every = [&](const char* text) { return load(text).train.checkpoint_every; };
  CHECK(every("train.checkpoint_every=null") == CheckpointEvery());
  CHECK(every("train.checkpoint_every.steps=5") == CheckpointEvery(EverySteps{5}));
  CHECK(every("train.checkpoint_every.seconds=0.5") == CheckpointEvery(EverySeconds{0.5}));
}

TEST_CASE("what the schema allows and no option stands for is a defect") {
  const auto with = [](const char* pointer, const Json& value) {
    nlohmann::json config = to_json(defaults());
    config[nlohmann::json::json_pointer(pointer)] = value;
    return error_of([&] { experiment_from_json(config); });
  };
  CHECK(with("/head/pool", "median").code() == ExitCode::defect);
  CHECK(with("/features/views", "step").code() == ExitCode::defect);
  CHECK(with("/train/loss/class_weights", "effective").code() == ExitCode::defect);
  CHECK(has(with("/train/optimizer/name", "lion").what(), "but no option stands for it"));
}
