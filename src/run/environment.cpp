#include "run/environment.h"

#include "tl/base/files.h"
#include "tl/base/hash.h"
#include "tl/base/json.h"
#include "tl/base/log.h"
#include "tl/base/refusal.h"
#include "tl/base/text.h"
#include "tl/base/version.h"
#include "tl/engine/inference.h"
#include "tl/run/device.h"

#include <ATen/Context.h>
#include <opencv2/core/version.hpp>
#include <torch/version.h>

namespace tl {
namespace {

using nlohmann::ordered_json;

// Of the images' paths and contents.
std::string hash_of_data(const Dataset& dataset) {
  std::string lines;
  for (const Sample& sample : dataset.samples)
    lines += str(sample.path, '\t', hexadecimal(sample.content), '\n');
  return content_hash(lines);
}

std::string precision_name(Precision wish, const Model& model) {
  return resolve_precision(wish, model) == Precision::bf16 ? "bf16" : "fp32";
}

// Which of several GPUs does not matter to what they compute.
std::string kind_of(const c10::Device& device) {
  return device.is_cpu() ? device_name(device) : "cuda";
}

ordered_json environment(const Prepared& prepared) {
  const Experiment& options = prepared.experiment.options;
  return {{"tl", version()},
          {"torch", TORCH_VERSION},
          {"opencv", CV_VERSION},
          {"compiler", __VERSION__},
          {"device", kind_of(prepared.device)},
          {"cuda",
           {{"deterministic", at::globalContext().deterministicCuDNN()},
            {"tf32", at::globalContext().allowTF32CuDNN()}}},
          {"threads", compute_threads()},
          {"precision",
           {{"features", precision_name(options.features.precision, prepared.model)},
            {"train", precision_name(options.train.precision, prepared.model)}}},
          {"backbone",
           {{"file", options.backbone.file.string()},
            {"xxh3_128", file_hash(options.backbone.file)},
            {"input", to_json(prepared.model.info().input)}}},
          {"data",
           {{"root", options.data.root.string()},
            {"images", prepared.dataset.samples.size()},
            {"xxh3_128", hash_of_data(prepared.dataset)}}}};
}

// The value that a run began with, where its environment.json has it and it is another now.
class Beginning {
 public:
  Beginning(const Prepared& prepared, const std::filesystem::path& file)
      : before_(ordered_json::parse(read_file(file, ExitCode::usage), nullptr,
                                    /*allow_exceptions=*/false)),
        now_(environment(prepared)) {}

  bool differs(const char* key) const {
    const ordered_json::json_pointer place(key);
    return !before_.is_discarded() && before_.contains(place) && before_[place] != now_[place];
  }
  std::string was(const char* key) const { return text(before_, key); }
  std::string is(const char* key) const { return text(now_, key); }

 private:
  static std::string text(const ordered_json& json, const char* key) {
    const auto& value = json[ordered_json::json_pointer(key)];
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

  ordered_json before_;
  ordered_json now_;
};

}  // namespace

void write_environment(const Prepared& prepared, const std::filesystem::path& file) {
  write_file(file, dumped(environment(prepared), 2) + "\n");
}

void compare_environment(const Prepared& prepared, const std::filesystem::path& file) {
  const Beginning beginning(prepared, file);
  if (beginning.differs("/backbone/xxh3_128")) {
    throw Refusal(ExitCode::usage, "the backbone file has changed since this run began",
                  prepared.experiment.options.backbone.file.string(),
                  "put the old file back, or replace the run", {Remedy::replace});
  }
  if (beginning.differs("/backbone/input")) {
    throw Refusal(ExitCode::usage,
                  str("the backbone wanted ", beginning.was("/backbone/input"),
                      " when this run began, and now ", beginning.is("/backbone/input")),
                  prepared.experiment.options.backbone.file.string(),
                  "move the .json file that lies beside it too, set backbone.input, or replace the "
                  "run",
                  {Remedy::replace});
  }
  if (beginning.differs("/data/xxh3_128")) {
    throw Refusal(ExitCode::data, "images have changed since this run began",
                  prepared.dataset.root.string(), "put the old ones back, or replace the run",
                  {Remedy::replace});
  }
  for (const char* key :
       {"/tl", "/torch", "/opencv", "/device", "/precision/features", "/precision/train"}) {
    if (!beginning.differs(key)) continue;
    log::warn(str("this run began with ", key + 1, " ", beginning.was(key), " and goes on with ",
                  beginning.is(key), ": its last digits may differ from an undisturbed run's"));
  }
}

}  // namespace tl
