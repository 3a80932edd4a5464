#include "tl/eval/history.h"

#include "tl/base/error.h"
#include "tl/base/text.h"

#include <cmath>
#include <limits>

namespace tl {

const Fields<EpochMetrics>& epoch_fields() {
  using M = EpochMetrics;
  static const Fields<M> fields = {
      {"train_loss", "training loss", &M::train_loss, Form::nats, Better::lower},
      {"train_accuracy", "training accuracy", &M::train_accuracy, Form::share, Better::higher},
      {"val_loss", "validation loss", &M::val_loss, Form::nats, Better::lower},
      {"val_accuracy", "validation accuracy", &M::val_accuracy, Form::share, Better::higher},
      {"lr", "learning rate", &M::lr, Form::rate, Better::neither},
      {"seconds", "time", &M::seconds, Form::seconds, Better::neither},
      {"images_per_second", "throughput", &M::images_per_second, Form::throughput, Better::neither},
  };
  return fields;
}

const Field<EpochMetrics>& epoch_field(std::string_view key) {
  const auto* field = find_field(epoch_fields(), key);
  if (field == nullptr) throw Error(ExitCode::defect, str("an epoch has no field ", key));
  return *field;
}

nlohmann::ordered_json epoch_json(const EpochMetrics& metrics) {
  nlohmann::ordered_json json = {{"epoch", metrics.epoch}};
  for (const auto& field : epoch_fields())
    json[field.key] = field.of(metrics);
  return json;
}

EpochMetrics read_epoch(const nlohmann::ordered_json& json) {
  EpochMetrics metrics;
  metrics.epoch = json.at("epoch").get<int>();
  for (const auto& field : epoch_fields()) {
    const auto value = json.find(field.key);
    const bool known = value != json.end() && value->is_number();
    metrics.*field.member = known ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
  }
  return metrics;
}

bool is_better(const EpochMetrics& a, const EpochMetrics& b, const Field<EpochMetrics>& by) {
  if (!std::isfinite(by.of(a))) return false;
  if (!std::isfinite(by.of(b))) return true;
  const double gain = by.gain(b, a);
  return gain > 0 || (gain == 0 && a.val_loss < b.val_loss);
}

std::size_t best_epoch(const std::vector<EpochMetrics>& history, const Field<EpochMetrics>& by) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < history.size(); ++i) {
    if (is_better(history[i], history[best], by)) best = i;
  }
  return best;
}

}  // namespace tl
