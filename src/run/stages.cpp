#include "run/stages.h"

#include "tl/base/error.h"
#include "tl/base/text.h"

#include <utility>

namespace tl {
namespace {

StageOptions stage_options(const Experiment& options, const Model& model) {
  return {options.train.epochs, options.train.optimizer, options.train.schedule,
          options.backbone.batch_norm, resolve_precision(options.train.precision, model)};
}

std::unique_ptr<ExactHead> exact_head(const Prepared& prepared, Sources& sources,
                                      const Prefix& prefix) {
  const Experiment& options = prepared.experiment.options;
  const int* views = std::get_if<int>(&options.features.views);
  ExactHeadData data{sources.evaluation(Split::train, prefix),
                     views == nullptr ? nullptr : sources.augmented(prefix),
                     views == nullptr ? 0 : *views, prepared.groups, *prepared.objective};
  return std::make_unique<ExactHead>(std::move(data), options.head, prepared.model.head_inputs(),
                                     std::ssize(prepared.dataset.classes), options.train.seed);
}

}  // namespace

void check_stages(const Experiment& options, const Model& model) {
  const int trained = static_cast<int>(model.layers().size()) - model.frozen_layers();
  if (options.head.fit == HeadFit::gradient || trained == 0) return;
  throw Error(ExitCode::usage,
              str("an exact head needs a frozen backbone, and ", count(trained, "layer"), " of it ",
                  trained == 1 ? "is" : "are", " not frozen"),
              "head.fit", "set backbone.freeze to \"all\", or head.fit to \"gradient\"");
}

Stages stages_of(Prepared& prepared, Sources& sources, std::optional<Prefix>& first) {
  const auto only = [&] {
    const Experiment& options = prepared.experiment.options;
    Model& model = prepared.model;
    model.freeze(options.backbone.freeze);
    auto prefix = std::exchange(first, std::nullopt);
    if (!prefix) prefix.emplace(model, resolve_precision(options.features.precision, model));
    ExactHeadMaker exact;
    if (options.head.fit == HeadFit::exact) {
      exact = [&](const Prefix& of) { return exact_head(prepared, sources, of); };
    }
    return std::make_unique<Stage>(
        model, std::move(*prefix), stage_options(options, model),
        [&](const Prefix& of) { return sources.training(of); },
        [&](const Prefix& of) { return sources.evaluation(Split::val, of); }, exact);
  };
  return Stages({only});
}

}  // namespace tl
