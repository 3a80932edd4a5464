// The feature sources of a run: live or from a store, as the config says.
#pragma once

#include "tl/run/prepared.h"
#include "tl/run/progress.h"
#include "tl/train/features.h"

#include <memory>

namespace tl {

std::uint64_t bytes_in_gigabytes(double gigabytes);

// Whether the store has features of the epoch that training begins with: some, at least.
bool begins_with_stored_features(const LoadedExperiment& experiment, const FileInfo& file,
                                 const Prefix& prefix);

class Sources {
 public:
  // What `prepared` holds must outlive the sources.
  Sources(const Prepared& prepared, const std::function<bool()>& stop_requested,
          const ProgressMaker& progress);

  // Training images, augmented and shuffled. The prefix must outlive the source.
  std::unique_ptr<FeatureSource> training(const Prefix& prefix);
  // Training images, augmented, in order.
  std::unique_ptr<FeatureSource> augmented(const Prefix& prefix);
  // The split's images in order, as evaluation sees them.
  std::unique_ptr<FeatureSource> evaluation(Split split, const Prefix& prefix);
  // "1,129 computed, 9,331 read, 2.9 MB written to FOLDER"; "" where nothing is kept.
  std::string account() const;

 private:
  std::unique_ptr<FeatureSource> make(Split split, const Prefix& prefix,
                                      const SourceOptions& options, bool keep);

  const Prepared& prepared_;
  std::function<bool()> stop_requested_;
  ProgressMaker progress_;
  FeatureStore store_;
};

}  // namespace tl
