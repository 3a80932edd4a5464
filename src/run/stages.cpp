#include "run/stages.h"

#include <utility>

namespace tl {
namespace {

StageOptions stage_options(const Experiment& options, const Model& model) {
  return {options.train.epochs, options.train.optimizer, options.train.schedule,
          options.backbone.batch_norm, resolve_precision(options.train.precision, model)};
}

}  // namespace

Stages stages_of(Prepared& prepared, Sources& sources, std::optional<Prefix>& first) {
  const auto only = [&] {
    const Experiment& options = prepared.experiment.options;
    Model& model = prepared.model;
    model.freeze(options.backbone.freeze);
    auto prefix = std::exchange(first, std::nullopt);
    if (!prefix) prefix.emplace(model, resolve_precision(options.features.precision, model));
    return std::make_unique<Stage>(
        model, std::move(*prefix), stage_options(options, model),
        [&](const Prefix& of) { return sources.training(of); },
        [&](const Prefix& of) { return sources.evaluation(Split::val, of); });
  };
  return Stages({only});
}

}  // namespace tl
