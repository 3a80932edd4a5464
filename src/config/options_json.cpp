#include "config/options_json.h"

#include "tl/base/error.h"
#include "tl/base/text.h"

#include <initializer_list>
#include <utility>

namespace tl {
namespace {

using Json = nlohmann::ordered_json;

template <typename Enum>
Enum choose(const Json& value, std::initializer_list<std::pair<const char*, Enum>> choices) {
  for (const auto& [word, choice] : choices) {
    if (value == word) return choice;
  }
  throw Error(ExitCode::defect,
              "the schema allows " + value.dump() + ", but no option stands for it");
}

// What one branch of a oneOf has and another has not.
template <typename T>
void read_if_there(const Json& json, const char* key, T& field) {
  if (json.contains(key)) json[key].get_to(field);
}

DataOptions data_options(const Json& json) {
  DataOptions data;
  data.root = json["root"].get<std::string>();
  data.val = json["val"];
  data.test = json["test"];
  data.on_bad_image =
      choose<BadImage>(json["on_bad_image"], {{"skip", BadImage::skip}, {"fail", BadImage::fail}});
  data.workers = json["workers"];
  data.ram_gb = json["ram_gb"];
  return data;
}

// What the schema can't know to be impossible, such as a resize below the input size.
InputSpec input_option(const Json& json, const std::string& file) {
  try {
    return input_spec_from_json(json, file);
  } catch (const Error& error) {
    throw Error(ExitCode::usage, str("backbone.input.", error.what()), file);
  }
}

Freeze freeze_option(const Json& json) {
  if (json.is_number()) return json.get<int>();
  if (json == "all") return FreezeWord::all;
  if (json == "none") return FreezeWord::none;
  return json.get<std::string>();
}

BackboneOptions backbone_options(const Json& json, const std::string& file) {
  BackboneOptions backbone;
  backbone.file = json["file"].get<std::string>();
  backbone.init =
      choose<Init>(json["init"], {{"pretrained", Init::pretrained}, {"scratch", Init::scratch}});
  backbone.freeze = freeze_option(json["freeze"]);
  backbone.batch_norm = choose<BatchNorm>(
      json["batch_norm"], {{"frozen", BatchNorm::frozen}, {"train", BatchNorm::train}});
  if (!json["input"].is_null()) backbone.input = input_option(json["input"], file);
  return backbone;
}

HeadOptions head_options(const Json& json) {
  HeadOptions head;
  head.pool = choose<Pool>(json["pool"], {{"auto", Pool::automatic},
                                          {"avg", Pool::avg},
                                          {"max", Pool::max},
                                          {"flatten", Pool::flatten}});
  head.hidden = json["hidden"].get<std::vector<int>>();
  head.dropout = json["dropout"];
  return head;
}

AugmentOptions augment_options(const Json& json) {
  AugmentOptions augment;
  augment.crop.reset();
  if (const Json& crop = json["crop"]; !crop.is_null()) {
    augment.crop = CropOptions{crop["scale"], crop["ratio"]};
  }
  augment.flip = json["flip"];
  augment.vertical_flip = json["vertical_flip"];
  augment.rotation = json["rotation"];
  const Json& jitter = json["jitter"];
  augment.jitter = {jitter["brightness"], jitter["contrast"], jitter["saturation"], jitter["hue"]};
  augment.blur = {json["blur"]["probability"], json["blur"]["sigma"]};
  const Json& erase = json["erase"];
  augment.erase = {erase["probability"], erase["scale"], erase["ratio"]};
  return augment;
}

Precision precision_option(const Json& json) {
  return choose<Precision>(
      json, {{"auto", Precision::automatic}, {"fp32", Precision::fp32}, {"bf16", Precision::bf16}});
}

FeatureOptions feature_options(const Json& json) {
  FeatureOptions features;
  features.cache = choose<Cache>(json["cache"], {{"auto", Cache::automatic},
                                                 {"off", Cache::off},
                                                 {"ram", Cache::ram},
                                                 {"disk", Cache::disk}});
  if (json["views"].is_number()) features.views = json["views"].get<int>();
  features.precision = precision_option(json["precision"]);
  if (!json["folder"].is_null()) features.folder = json["folder"].get<std::string>();
  features.disk_gb = json["disk_gb"];
  features.ram_gb = json["ram_gb"];
  return features;
}

OptimizerOptions optimizer_options(const Json& json) {
  OptimizerOptions optimizer;
  optimizer.name = choose<OptimizerName>(json["name"], {{"adam", OptimizerName::adam},
                                                        {"adamw", OptimizerName::adamw},
                                                        {"sgd", OptimizerName::sgd},
                                                        {"rmsprop", OptimizerName::rmsprop}});
  optimizer.lr = json["lr"];
  if (!json["backbone_lr"].is_null()) optimizer.backbone_lr = json["backbone_lr"].get<double>();
  optimizer.weight_decay = json["weight_decay"];
  read_if_there(json, "betas", optimizer.betas);
  read_if_there(json, "eps", optimizer.eps);
  read_if_there(json, "momentum", optimizer.momentum);
  read_if_there(json, "nesterov", optimizer.nesterov);
  read_if_there(json, "alpha", optimizer.alpha);
  return optimizer;
}

ScheduleOptions schedule_options(const Json& json) {
  ScheduleOptions schedule;
  schedule.name = choose<ScheduleName>(json["name"], {{"constant", ScheduleName::constant},
                                                      {"step", ScheduleName::step},
                                                      {"cosine", ScheduleName::cosine},
                                                      {"one_cycle", ScheduleName::one_cycle}});
  read_if_there(json, "warmup_epochs", schedule.warmup_epochs);
  read_if_there(json, "step_epochs", schedule.step_epochs);
  read_if_there(json, "gamma", schedule.gamma);
  read_if_there(json, "final_factor", schedule.final_factor);
  read_if_there(json, "rise", schedule.rise);
  read_if_there(json, "start_factor", schedule.start_factor);
  return schedule;
}

LossOptions loss_options(const Json& json) {
  LossOptions loss;
  loss.label_smoothing = json["label_smoothing"];
  const Json& weights = json["class_weights"];
  if (weights.is_string()) loss.class_weights = weights.get<std::string>();
  if (weights.is_array()) loss.class_weights = weights.get<std::vector<double>>();
  return loss;
}

CheckpointEvery checkpoint_option(const Json& json) {
  CheckpointEvery every;
  if (json.contains("steps")) every.steps = json["steps"].get<int>();
  if (json.contains("seconds")) every.seconds = json["seconds"].get<double>();
  return every;
}

TrainOptions train_options(const Json& json) {
  TrainOptions train;
  train.epochs = json["epochs"];
  train.batch_size = json["batch_size"];
  train.seed = json["seed"];
  train.precision = precision_option(json["precision"]);
  train.optimizer = optimizer_options(json["optimizer"]);
  train.schedule = schedule_options(json["schedule"]);
  train.loss = loss_options(json["loss"]);
  const Json& stopping = json["early_stopping"];
  train.early_stopping = {stopping["patience"], stopping["min_delta"]};
  train.checkpoint_every = checkpoint_option(json["checkpoint_every"]);
  return train;
}

}  // namespace

Experiment experiment_from_json(const Json& resolved, const std::string& file) {
  Experiment experiment;
  experiment.data = data_options(resolved["data"]);
  experiment.backbone = backbone_options(resolved["backbone"], file);
  experiment.head = head_options(resolved["head"]);
  experiment.augment = augment_options(resolved["augment"]);
  experiment.features = feature_options(resolved["features"]);
  experiment.train = train_options(resolved["train"]);
  experiment.device = resolved["device"];
  return experiment;
}

}  // namespace tl
