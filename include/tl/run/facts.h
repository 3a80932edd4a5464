// What is said of an experiment to people: on the console and on the report's page.
#pragma once

#include "tl/config/options.h"

#include <string>
#include <utility>
#include <vector>

namespace tl {

// Name and text, in the order in which they are shown.
using Facts = std::vector<std::pair<std::string, std::string>>;

// How it trains: training (epochs, batches, seed), optimizer with its rates, schedule and
// augmentation.
Facts training_facts(const Experiment& options);

// The moment: "2026-03-31 17:08 CEST".
std::string now_text();

}  // namespace tl
