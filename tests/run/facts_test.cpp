#include "tl/run/facts.h"

#include "catch.h"

#include <map>
#include <regex>

using namespace tl;

namespace {

std::map<std::string, std::string> facts_of(const Experiment& options) {
  const Facts facts = training_facts(options);
  return {facts.begin(), facts.end()};
}

}  // namespace

TEST_CASE("how an experiment trains, by default") {
  auto facts = facts_of({});
  CHECK(facts["training"] == "10 epochs of batches of 32, seed 1");
  CHECK(facts["optimizer"] == "adam, learning rate 0.001");
  CHECK(facts["schedule"] == "constant");
  CHECK(facts["augmentation"] == "crop 0.5 to 1, flip 0.5, brightness, contrast, saturation 0.2");
}

TEST_CASE("how an experiment trains, with all that may be said") {
  Experiment options;
  options.train.epochs = 1;
  options.train.seed = 7;
  options.backbone.freeze = 3;
  options.train.optimizer.lr = 0.03;
  options.train.optimizer.rule = AdamWOptions{};
  options.train.schedule.curve = CosineSchedule{2, 0.01};
  options.augment.rotation = 15;
  options.augment.erase.probability = 0.25;
  auto facts = facts_of(options);
  CHECK(facts["training"] == "1 epoch of batches of 32, seed 7");
  CHECK(facts["optimizer"] == "adamw, learning rate 0.03, backbone 0.003, weight decay 0.01");
  CHECK(facts["schedule"] == "cosine, down to 1.0 %, warm-up over 2 epochs");
  CHECK(facts["augmentation"] ==
        "crop 0.5 to 1, flip 0.5, rotation 15, brightness, contrast, saturation 0.2, erase 0.25");
  options.train.optimizer.backbone_lr = 1e-5;
  CHECK(facts_of(options)["optimizer"] ==
        "adamw, learning rate 0.03, backbone 1e-05, weight decay 0.01");
}

TEST_CASE("other schedules, and no augmentation") {
  Experiment options;
  options.train.schedule.curve = StepSchedule{0, 5, 0.5};
  options.augment = {std::nullopt, 0, 0, 0, {0, 0, 0, 0}, {}, {}};
  CHECK(facts_of(options)["schedule"] == "step, by 0.5 every 5 epochs");
  CHECK(facts_of(options)["augmentation"] == "none");
  options.train.schedule.curve = OneCycleSchedule{};
  CHECK(facts_of(options)["schedule"] == "one_cycle, highest after 30.0 % of the steps");
}

TEST_CASE("the moment has a date and a time zone") {
  CHECK(std::regex_match(now_text(), std::regex("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d \\S+")));
}
