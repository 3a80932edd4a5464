// From an image folder to a list of labelled samples with a split each.
#pragma once

#include "tl/base/hash.h"
#include "tl/config/data_options.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tl {

class ImageCache;

enum class Split { train, val, test };
const char* name(Split split);

struct Sample {
  std::string path;  // relative to the root, with '/'
  int label;         // index into Dataset::classes
  Split split;
  std::uint64_t id;     // hash of `path`: the sample's key for every random choice
  Digest content = {};  // of the file's bytes; all zeros: unknown
  int width = 0;        // of the file's image in pixels, before any EXIF rotation; 0: unknown
  int height = 0;
};

struct Skipped {
  std::string path;
  std::string reason;
};

struct Dataset {
  std::filesystem::path root;
  std::vector<std::string> classes;  // sorted folder names
  std::vector<Sample> samples;       // sorted by path
  std::vector<Skipped> skipped;
  bool has_own_splits = false;  // root holds train/, val/ and maybe test/

  std::vector<std::size_t> indices(Split split) const;  // into samples
  // counts[label]
  std::vector<std::int64_t> class_counts(Split split) const;
};

// The classes, and every file in their folders as a sample, be it an image or not: nothing is read.
// A root with train/ and val/ (and maybe test/) has its own splits; otherwise class folders lie
// directly under the root, and every sample is `train`. Hidden files and folders are passed over.
// Throws Error(data): no such folder, or fewer than two classes.
Dataset list_dataset(const DataOptions& options);

// Proves each image of a listed dataset by decoding it, on `threads` threads: into `images`, if not
// null, as long as there is room, the rest at an eighth of the size. What is no image goes to
// `skipped`. Unless the root has its own splits, samples are split by options.val and options.test,
// stratified, by `seed`, the same on every machine. `classes` stays untouched.
// Throws Error(data): no images, a class absent from a split that the others are in, and, where
// on_bad_image is fail, the first bad image. `progress(done, total)` is called now and then, from
// any thread; may be empty.
void check_dataset(Dataset& dataset, const DataOptions& options, std::uint64_t seed, int threads,
                   const std::function<void(std::size_t, std::size_t)>& progress = {},
                   ImageCache* images = nullptr);

// Lists and checks.
Dataset open_dataset(const DataOptions& options, std::uint64_t seed, int threads,
                     const std::function<void(std::size_t, std::size_t)>& progress = {},
                     ImageCache* images = nullptr);

// A folder for evaluation: labels follow `classes` (a model's own), whatever subset of them the
// folder holds. Where the root has its own splits they are kept; otherwise every image is `test`.
// Throws Error(data) on a folder name that is no class.
Dataset open_evaluation_folder(const std::filesystem::path& root,
                               const std::vector<std::string>& classes, BadImage on_bad_image,
                               int threads);

// path,class,split and path,reason; RFC 4180 quoting.
void write_split_csv(const Dataset& dataset, const std::filesystem::path& file);
void write_skipped_csv(const Dataset& dataset, const std::filesystem::path& file);
// The dataset that was written, images not read again: their content and size are unknown.
// Throws Error(data).
Dataset read_split_csv(const std::filesystem::path& file, const std::filesystem::path& root);

// Reads each image to fill in its `content`. Throws Error(data) on one that can't be read.
void read_contents(Dataset& dataset, int threads);

// For prediction: the file itself, or what is named like an image (.jpg, .png, ...) under the
// folder, at any depth, sorted. Throws Error(data) where there is neither.
std::vector<std::filesystem::path> find_images(const std::filesystem::path& file_or_folder);

// The images of all those, unlabelled (label -1, split test, paths as given); what does not decode
// is in `skipped`.
Dataset open_images(const std::vector<std::filesystem::path>& files_or_folders, int threads);

}  // namespace tl
