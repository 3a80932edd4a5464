// environment.json: where a run began, and with what.
#pragma once

#include "tl/run/prepared.h"

#include <filesystem>

namespace tl {

// Versions, device, threads, precisions, and hashes of backbone and images.
void write_environment(const Prepared& prepared, const std::filesystem::path& file);

// Of a run that is to be resumed. Throws Error(usage) where it began with another backbone, or one
// that wanted other images, Error(data) where it began with other images; warns of another version,
// device or precision, which make it end with other last digits than an undisturbed run.
void compare_environment(const Prepared& prepared, const std::filesystem::path& file);

}  // namespace tl
