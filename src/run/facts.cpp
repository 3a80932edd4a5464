#include "tl/run/facts.h"

#include "tl/base/text.h"

#include <array>
#include <ctime>
#include <variant>

namespace tl {
namespace {

// As few digits as it takes.
std::string number(double value) {
  return shortest(static_cast<float>(value));
}

std::string training(const TrainOptions& train) {
  return str(count(train.epochs, "epoch"), " of batches of ", train.batch_size, ", seed ",
             train.seed);
}

std::string optimizer(const OptimizerOptions& options, bool trains_backbone) {
  const auto of_rule = [](const auto& rule) {
    const std::string decay =
        rule.weight_decay == 0 ? "" : str(", weight decay ", number(rule.weight_decay));
    return std::pair(std::string(rule.name), decay);
  };
  const auto [name, decay] = std::visit(of_rule, options.rule);
  return str(name, ", learning rate ", number(options.lr),
             trains_backbone ? str(", backbone ", number(options.backbone_rate())) : "", decay);
}

std::string details(const ConstantSchedule&) {
  return "";
}
std::string details(const StepSchedule& step) {
  return str(", by ", number(step.gamma), " every ", count(step.step_epochs, "epoch"));
}
std::string details(const CosineSchedule& cosine) {
  return cosine.final_factor == 0 ? "" : str(", down to ", percent(cosine.final_factor));
}
std::string details(const OneCycleSchedule& cycle) {
  return str(", highest after ", percent(cycle.rise), " of the steps");
}

double warmup(const OneCycleSchedule&) {
  return 0;
}
template <typename Curve>
double warmup(const Curve& curve) {
  return curve.warmup_epochs;
}

std::string schedule(const ScheduleOptions& options) {
  return std::visit(
      [](const auto& curve) {
        const double epochs = warmup(curve);
        return str(curve.name, details(curve),
                   epochs == 0 ? "" : str(", warm-up over ", number(epochs), " epochs"));
      },
      options.curve);
}

// "flip 0.5, brightness, contrast, saturation 0.2"
std::string augmentation(const AugmentOptions& augment) {
  Facts steps;
  const auto add = [&](const char* name, double amount) {
    if (amount != 0) steps.emplace_back(name, number(amount));
  };
  if (augment.crop) {
    const auto& [from, to] = augment.crop->scale;
    steps.emplace_back("crop", str(number(from), " to ", number(to)));
  }
  add("flip", augment.flip);
  add("vertical flip", augment.vertical_flip);
  add("rotation", augment.rotation);
  add("brightness", augment.jitter.brightness);
  add("contrast", augment.jitter.contrast);
  add("saturation", augment.jitter.saturation);
  add("hue", augment.jitter.hue);
  add("blur", augment.blur.probability);
  add("erase", augment.erase.probability);
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& [name, amount] = steps[i];
    const bool last = i + 1 == steps.size();
    text += (i == 0 ? "" : ", ") + name;
    if (last || steps[i + 1].second != amount) text += " " + amount;
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Facts training_facts(const Experiment& options) {
  if (options.head.fit == HeadFit::exact) {
    const bool augments = std::holds_alternative<int>(options.features.views);
    return {
        {"training", str("the head at once, as logistic regression, seed ", options.train.seed)},
        {"augmentation", augments ? augmentation(options.augment) : "none"}};
  }
  const bool trains_backbone = options.backbone.freeze != Freeze(FreezeWord::all);
  return {{"training", training(options.train)},
          {"optimizer", optimizer(options.train.optimizer, trains_backbone)},
          {"schedule", schedule(options.train.schedule)},
          {"augmentation", augmentation(options.augment)}};
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M %Z", &local);
  return text.data();
}

}  // namespace tl
