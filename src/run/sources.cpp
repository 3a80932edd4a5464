#include "run/sources.h"

#include "tl/base/text.h"
#include "tl/run/device.h"

#include <cstdlib>

namespace tl {
namespace {

std::uint64_t bytes(double gigabytes) {
  return static_cast<std::uint64_t>(gigabytes * 1e9);
}

// As the XDG base directory specification says; none where the user has no home.
std::optional<std::filesystem::path> cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  if (const auto xdg = variable("XDG_CACHE_HOME"); xdg.is_absolute()) return xdg / "tl/features";
  if (const auto home = variable("HOME"); home.is_absolute()) return home / ".cache/tl/features";
  return std::nullopt;
}

StoreOptions store_options(const FeatureOptions& options) {
  StoreOptions store{std::nullopt, bytes(options.disk_gb), bytes(options.ram_gb)};
  if (options.cache == Cache::ram) return store;
  store.folder = options.folder ? options.folder : cache_folder();
  return store;
}

}  // namespace

std::string features_text(const Prepared& prepared) {
  const FeatureOptions& features = prepared.experiment.options.features;
  const bool bf16 = resolve_precision(features.precision, prepared.model) == Precision::bf16;
  std::string text = bf16 ? "bf16, " : "fp32, ";
  if (!features.views || features.cache == Cache::off) return text + "computed anew each epoch";
  const auto folder = store_options(features).folder;
  return text + str(count(*features.views, "view"), " an image, kept in ",
                    folder ? folder->string() : "memory");
}

Sources::Sources(const Prepared& prepared, const std::function<bool()>& stop_requested,
                 const ProgressMaker& progress)
    : prepared_(prepared),
      stop_requested_(stop_requested),
      progress_(progress),
      prefix_(prepared.model,
              resolve_precision(prepared.experiment.options.features.precision, prepared.model)),
      store_(store_options(prepared.experiment.options.features)) {}

SourceOptions Sources::options() const {
  const Experiment& experiment = prepared_.experiment.options;
  SourceOptions options;
  options.input = prepared_.model.info().input;
  options.batch_size = experiment.train.batch_size;
  options.workers = worker_count(experiment.data.workers);
  options.seed = experiment.train.seed;
  options.images = prepared_.images.get();
  return options;
}

std::unique_ptr<FeatureSource> Sources::training() {
  const Experiment& experiment = prepared_.experiment.options;
  SourceOptions with = options();
  with.augment = &experiment.augment;
  with.views = experiment.features.views;
  // Fresh augmentation each epoch: nothing would ever be used again.
  return make(Split::train, with, with.views.has_value());
}

std::unique_ptr<FeatureSource> Sources::evaluation(Split split) {
  return make(split, options(), true);
}

std::unique_ptr<FeatureSource> Sources::make(Split split, const SourceOptions& options, bool keep) {
  const auto samples = prepared_.dataset.indices(split);
  const FeatureOptions& features = prepared_.experiment.options.features;
  if (!keep || features.cache == Cache::off || prefix_.is_empty()) {
    return live_features(prepared_.dataset, samples, prefix_, options);
  }
  StoringOptions storing{prepared_.experiment.resolved.at("augment").dump(),
                         progress_ ? progress_("features") : Progress(), stop_requested_};
  return stored_features(prepared_.dataset, samples, prefix_, options, store_, storing);
}

std::string Sources::account() const {
  const StoreCounts counts = store_.counts();
  if (counts.computed + counts.hits == 0) return "";
  return str(thousands(static_cast<std::int64_t>(counts.computed)), " computed, ",
             thousands(static_cast<std::int64_t>(counts.hits)), " read, ",
             fixed(static_cast<double>(counts.bytes_written) / 1e6, 1), " MB written to ",
             store_.place());
}

}  // namespace tl
