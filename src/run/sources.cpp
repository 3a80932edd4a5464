#include "run/sources.h"

#include "tl/base/text.h"
#include "tl/run/device.h"

#include <cstdlib>

namespace tl {

std::uint64_t bytes_in_gigabytes(double gigabytes) {
  return static_cast<std::uint64_t>(gigabytes * 1e9);
}

namespace {

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
  StoreOptions store{std::nullopt, bytes_in_gigabytes(options.disk_gb),
                     bytes_in_gigabytes(options.ram_gb)};
  if (options.cache == Cache::ram) return store;
  store.folder = options.folder ? options.folder : cache_folder();
  return store;
}

// Fresh augmentation each epoch: nothing would ever be used again.
bool keeps_training_features(const FeatureOptions& options) {
  return std::holds_alternative<int>(options.views) && options.cache != Cache::off;
}

}  // namespace

std::string features_text(const Prepared& prepared) {
  const FeatureOptions& features = prepared.experiment.options.features;
  const bool bf16 = resolve_precision(features.precision, prepared.model) == Precision::bf16;
  std::string text = bf16 ? "bf16, " : "fp32, ";
  const bool exact = prepared.experiment.options.head.fit == HeadFit::exact;
  const int* views = std::get_if<int>(&features.views);
  if (!exact && !keeps_training_features(features)) return text + "computed anew each epoch";
  text += exact ? "of each image" : "";
  if (views != nullptr)
    text += str(exact ? " and " : "", count(*views, "view"), exact ? "" : " an image");
  if (features.cache == Cache::off) return text;
  const auto folder = store_options(features).folder;
  return text + str(", kept in ", folder ? folder->string() : "memory");
}

namespace {

SourceOptions evaluation_options(const Experiment& experiment, const FileInfo& file,
                                 ImageCache* images) {
  SourceOptions options;
  options.transform = {file.input, nullptr, experiment.train.seed, 0, images};
  options.batch_size = experiment.train.batch_size;
  options.workers = worker_count(experiment.data.workers);
  return options;
}

SourceOptions augmented_options(const Experiment& experiment, const FileInfo& file,
                                ImageCache* images) {
  SourceOptions options = evaluation_options(experiment, file, images);
  options.transform.augment = &experiment.augment;
  if (const int* views = std::get_if<int>(&experiment.features.views)) options.views = *views;
  return options;
}

SourceOptions training_options(const Experiment& experiment, const FileInfo& file,
                               ImageCache* images) {
  SourceOptions options = augmented_options(experiment, file, images);
  options.shuffle = true;
  return options;
}

std::string recipe(const LoadedExperiment& experiment) {
  return experiment.resolved.at("augment").dump();
}

}  // namespace

bool begins_with_stored_features(const LoadedExperiment& experiment, const FileInfo& file,
                                 const Prefix& prefix) {
  const FeatureOptions& features = experiment.options.features;
  const bool exact = experiment.options.head.fit == HeadFit::exact;
  const bool keeps = exact ? features.cache != Cache::off : keeps_training_features(features);
  if (prefix.is_empty() || !keeps) return false;
  const SourceOptions options = exact ? evaluation_options(experiment.options, file, nullptr)
                                      : training_options(experiment.options, file, nullptr);
  FeatureStore store(store_options(features));
  return !store.shelf(shelf_key(prefix, options, recipe(experiment), 1), feature_bytes(prefix))
              ->is_empty();
}

Sources::Sources(const Prepared& prepared, const std::function<bool()>& stop_requested,
                 const ProgressMaker& progress)
    : prepared_(prepared),
      stop_requested_(stop_requested),
      progress_(progress),
      store_(store_options(prepared.experiment.options.features)) {}

std::unique_ptr<FeatureSource> Sources::training(const Prefix& prefix) {
  const Experiment& experiment = prepared_.experiment.options;
  return make(Split::train, prefix,
              training_options(experiment, prepared_.model.info(), prepared_.images.get()),
              keeps_training_features(experiment.features));
}

std::unique_ptr<FeatureSource> Sources::augmented(const Prefix& prefix) {
  const Experiment& experiment = prepared_.experiment.options;
  return make(Split::train, prefix,
              augmented_options(experiment, prepared_.model.info(), prepared_.images.get()),
              keeps_training_features(experiment.features));
}

std::unique_ptr<FeatureSource> Sources::evaluation(Split split, const Prefix& prefix) {
  return make(split, prefix,
              evaluation_options(prepared_.experiment.options, prepared_.model.info(),
                                 prepared_.images.get()),
              true);
}

std::unique_ptr<FeatureSource> Sources::make(Split split, const Prefix& prefix,
                                             const SourceOptions& options, bool keep) {
  ImageFeatures of{prepared_.dataset, prepared_.dataset.indices(split), *prepared_.objective,
                   prefix};
  const FeatureOptions& features = prepared_.experiment.options.features;
  if (!keep || features.cache == Cache::off || prefix.is_empty()) {
    return live_features(std::move(of), options);
  }
  StoringOptions storing{recipe(prepared_.experiment),
                         progress_ ? progress_("features") : Progress(), stop_requested_};
  return stored_features(std::move(of), options, store_, std::move(storing));
}

std::string Sources::account() const {
  const StoreCounts counts = store_.counts();
  if (counts.computed + counts.hits == 0) return "";
  return str(thousands(static_cast<std::int64_t>(counts.computed)), " computed, read ",
             thousands(static_cast<std::int64_t>(counts.hits)), " times, ",
             fixed(static_cast<double>(counts.bytes_written) / 1e6, 1), " MB written to ",
             store_.place());
}

}  // namespace tl
