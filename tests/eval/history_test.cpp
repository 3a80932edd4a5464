#include "tl/eval/history.h"

#include "catch.h"
#include "error_of.h"

#include <cmath>
#include <set>

using namespace tl;

namespace {

// Each field has another value.
EpochMetrics numbered() {
  EpochMetrics metrics;
  metrics.epoch = 7;
  double value = 0.1;
  for (const auto& field : epoch_fields())
    metrics.*field.member = value += 0.1;
  return metrics;
}

EpochMetrics validated(double accuracy, double loss) {
  EpochMetrics metrics;
  metrics.val_accuracy = accuracy;
  metrics.val_loss = loss;
  return metrics;
}

const double nan_value = std::nan("");

}  // namespace

TEST_CASE("each number of an epoch has one field, under a key of its own") {
  std::set<std::string> keys = {"epoch"};
  std::set<double> values;
  const EpochMetrics metrics = numbered();
  for (const auto& field : epoch_fields()) {
    CHECK(keys.insert(field.key).second);
    CHECK(values.insert(field.of(metrics)).second);
    CHECK(&epoch_field(field.key) == &field);
  }
  CHECK(sizeof(EpochMetrics) == (values.size() + 1) * sizeof(double));  // none is forgotten
  CHECK(error_of([] { epoch_field("val_luck"); }).code() == ExitCode::defect);
}

TEST_CASE("an epoch is a line of JSON and back") {
  const EpochMetrics metrics{3, 0.5, 0.75, 1.25, 0.625, 1e-3, 2.5, 100};
  const auto json = epoch_json(metrics);
  CHECK(json.dump() ==
        R"({"epoch":3,"train_loss":0.5,"train_accuracy":0.75,"val_loss":1.25,)"
        R"("val_accuracy":0.625,"lr":0.001,"seconds":2.5,"images_per_second":100.0})");
  const EpochMetrics back = read_epoch(json);
  CHECK(back.epoch == 3);
  for (const auto& field : epoch_fields())
    CHECK(field.of(back) == field.of(metrics));
}

TEST_CASE("what a line lacks is not a number") {
  const auto json = nlohmann::ordered_json::parse(R"({"epoch": 1, "val_loss": 2, "lr": null})");
  const EpochMetrics metrics = read_epoch(json);
  CHECK(metrics.val_loss == 2);
  CHECK(std::isnan(metrics.lr));
  CHECK(std::isnan(metrics.val_accuracy));
  CHECK(epoch_json(metrics).at("lr").dump() == "null");
}

TEST_CASE("the best epoch is the best by its field, and of equals the one with the lower loss") {
  const std::vector<EpochMetrics> history = {validated(0.5, 1), validated(0.75, 2),
                                             validated(0.75, 1.5), validated(0.75, 1.5),
                                             validated(0.25, 0.5)};
  CHECK(best_epoch(history, epoch_field("val_accuracy")) == 2);
  CHECK(best_epoch(history, epoch_field("val_loss")) == 4);  // lower is better
}

TEST_CASE("a number that is not finite is never the best") {
  const auto& by = epoch_field("val_accuracy");
  CHECK(best_epoch({validated(nan_value, 1), validated(0.1, 9)}, by) == 1);
  CHECK(best_epoch({validated(0.1, 9), validated(nan_value, 1)}, by) == 0);
}

TEST_CASE("numbers are written as what they are") {
  CHECK(written(0.91666, Form::share) == "91.7 %");
  CHECK(written(0.31249, Form::nats) == "0.312");
  CHECK(written(0.001, Form::rate) == "1.00e-03");
  CHECK(written(83.2, Form::seconds) == "1:23");
  CHECK(written(4.6, Form::seconds) == "0:05");
  CHECK(written(3599.4, Form::seconds) == "59:59");
  CHECK(written(3599.6, Form::seconds) == "1:00:00");
  CHECK(written(37384, Form::seconds) == "10:23:04");
  CHECK(written(812.3, Form::throughput) == "812 images/s");
}
