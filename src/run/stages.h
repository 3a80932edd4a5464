// The stages that a run trains in, as its config says.
#pragma once

#include "run/sources.h"
#include "tl/run/prepared.h"
#include "tl/train/stage.h"

#include <optional>

namespace tl {

// Throws Error(usage) where the layers that are frozen don't suit the stages.
void check_stages(const Experiment& options, const Model& model);

// `first`: the first stage's prefix, where it is there already; it is taken when that stage is
// entered. All three must outlive the stages.
Stages stages_of(Prepared& prepared, Sources& sources, std::optional<Prefix>& first);

}  // namespace tl
