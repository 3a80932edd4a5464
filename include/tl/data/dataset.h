// From an image folder to a list of labelled samples with a split each.
#pragma once

#include "tl/base/hash.h"
#include "tl/config/data_options.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tl {

class ImageCache;

enum class Split { train, val, test };
inline constexpr std::array all_splits = {Split::train, Split::val, Split::test};
const char* split_name(Split split);

struct Sample {
  std::string path;  // relative to the root, with '/'
  int label;         // index into Dataset::classes
  Split split;
  std::uint64_t id;     // hash of `path`: the sample's key for every random choice
  Digest content = {};  // of the file's bytes; all zeros: unknown
  int width = 0;        // of the file's image in pixels, before any EXIF rotation; 0: unknown
  int height = 0;
  bool lacks_end = false;  // a JPEG that is whole but for its end mark
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
  bool has_own_splits = false;             // the folders say what is train, val and maybe test
  bool draws_val = false;                  // of those, val is missing: it is drawn from train
  std::vector<std::string> empty_folders;  // of classes, relative to the root: no file in them

  std::vector<std::size_t> indices(Split split) const;  // into samples
  // counts[label]
  std::vector<std::int64_t> class_counts(Split split) const;
};

// The classes, and every file in their folders as a sample, be it an image or not. Splits of the
// root's own are folders of classes (train/daisy) or in each class (daisy/train), in the usual
// spellings: train, training; val, valid, validation, dev; test, testing. Otherwise class folders
// lie directly under the root, and every sample is `train`. Hidden files and folders are passed
// over. Throws Error(data): no such folder, fewer than two classes, or folders that look like parts
// of a data set and are none of these.
Dataset list_dataset(const DataOptions& options);

// How the images of a dataset are read to be checked. Both functions are called from any of the
// threads, and may be empty.
struct CheckOptions {
  int threads = 1;
  std::function<void(std::size_t done, std::size_t total)> progress = {};  // called now and then
  std::function<bool()> stop = {};  // asked before each image; true: Error(interrupted)
  ImageCache* images = nullptr;     // keeps what was decoded, as long as there is room
};

// Proves each image of a listed dataset by decoding it: into how.images, as long as there is room,
// the rest at an eighth of the size. What is no image goes to `skipped`. Unless the root has its
// own splits, samples are split by options.val and options.test, stratified, by `seed`, the same on
// every machine; copies of one image stay together. `classes` stays untouched.
// Throws Error(data) on a file that can't be read and, where on_bad_image is fail, on the first bad
// image, both at once, whatever is left to be checked; and where there are no images, too few of a
// class to be split, or none of it in train or val.
void check_dataset(Dataset& dataset, const DataOptions& options, std::uint64_t seed,
                   const CheckOptions& how);

// Lists and checks, to look at it: what can't be read is skipped too, and of what stops a training
// there remains that there is no dataset at all; find_faults tells the rest.
Dataset inspect_dataset(const DataOptions& options, std::uint64_t seed, const CheckOptions& how);

// A folder for evaluation: labels follow `classes` (a model's own), whatever subset of them the
// folder holds. Where the root has its own splits they are kept; otherwise every image is `test`.
// Throws Error(data) on a folder name that is no class.
Dataset open_evaluation_folder(const std::filesystem::path& root,
                               const std::vector<std::string>& classes, BadImage on_bad_image,
                               const CheckOptions& how);

// path,class,split and path,reason; RFC 4180 quoting.
void write_split_csv(const Dataset& dataset, const std::filesystem::path& file);
void write_skipped_csv(const Dataset& dataset, const std::filesystem::path& file);
// The dataset that was written, images not read again: their content and size are unknown.
// Throws Error(data).
Dataset read_split_csv(const std::filesystem::path& file, const std::filesystem::path& root);

// Reads each image to fill in its `content`. Throws Error(data) on one that can't be read.
void read_contents(Dataset& dataset, const CheckOptions& how);

// For prediction: the images among these files and all files under these folders, at any depth,
// unlabelled (label -1, split test, paths as given). What is no image, can't be read or is not
// there is in `skipped`.
Dataset open_images(const std::vector<std::filesystem::path>& files_or_folders,
                    const CheckOptions& how);

}  // namespace tl
