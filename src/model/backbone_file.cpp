#include "tl/model/backbone_file.h"

#include "model/export_hint.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/model/backbone_input.h"

#include <nlohmann/json.hpp>

#include <caffe2/serialize/inline_container.h>
#include <cerrno>
#include <fstream>

namespace tl {
namespace {

using nlohmann::json;

// The archive's extra files, read without loading (and so running) the module.
class Archive {
 public:
  explicit Archive(const std::filesystem::path& file) try : file_(file), reader_(file.string()) {
    if (!reader_.hasRecord("constants.pkl")) {
      throw Error(ExitCode::model, "it is a zip archive, but no TorchScript file", file.string(),
                  "a state dict alone has no network: " + std::string(export_hint));
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    refuse(file);
  }

  // "" where there is none.
  std::string extra(const std::string& name) try {
    if (!reader_.hasRecord("extra/" + name)) return {};
    const auto [data, size] = reader_.getRecord("extra/" + name);
    return {static_cast<const char*>(data.get()), size};
  } catch (const std::exception&) {  // damaged behind its table of contents
    refuse(file_);
  }

 private:
  [[noreturn]] static void refuse(const std::filesystem::path& file) {
    throw Error(ExitCode::model, "it is no TorchScript file, or one that is damaged", file.string(),
                export_hint);
  }

  std::filesystem::path file_;
  caffe2::serialize::PyTorchStreamReader reader_;
};

json parse(const std::string& text, const std::string& where) {
  try {
    return json::parse(text);
  } catch (const json::exception& error) {
    throw Error(ExitCode::model, str("its metadata is no JSON: ", error.what()), where,
                export_hint);
  }
}

// What a file says of itself, and where; null where it says nothing.
struct Metadata {
  json said;
  std::string where;
  bool of_model = false;  // a model.pt of ours
};

Metadata metadata_of(const std::filesystem::path& file) {
  const auto said_by = [&](const std::string& name) {
    log::debug(str("model: what ", file.string(), " takes is said by ", name));
  };
  Archive archive(file);
  for (const std::string name : {"tl/model.json", "tl/backbone.json"}) {
    const std::string text = archive.extra(name);
    if (text.empty()) continue;
    said_by(name + " in it");
    return {parse(text, file.string()), file.string(), name == "tl/model.json"};
  }
  const auto beside = std::filesystem::path(file).replace_extension(".json");
  if (!std::filesystem::exists(beside)) return {};
  said_by(beside.string());
  return {parse(read_file(beside, ExitCode::model), beside.string()), beside.string()};
}

void read_metadata(FileInfo& info, const json& metadata, const std::string& where) {
  const auto text = [&](const char* key) {
    const auto it = metadata.find(key);
    return it != metadata.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  info.source = text("source");
  info.licence = text("licence");
  const auto classes = metadata.find("classes");
  if (classes == metadata.end() || classes->is_null()) return;
  try {
    info.classes = classes->get<std::vector<std::string>>();
  } catch (const json::exception&) {
    throw Error(ExitCode::model, "its classes are no list of names", where, export_hint);
  }
}

void require_file(const std::filesystem::path& file) {
  std::error_code error;
  const bool is_file = std::filesystem::is_regular_file(file, error);
  const auto reason = error.default_error_condition();
  if (error && reason != std::errc::no_such_file_or_directory &&
      reason != std::errc::not_a_directory) {
    throw_system_error(ExitCode::model, "can't read the file", file, error.value());
  }
  if (!is_file) {
    throw Error(ExitCode::model, "there is no such file", file.string(),
                "scripts/export_backbone efficientnet_lite0 " + file.string());
  }
  if (!std::ifstream(file)) {
    throw_system_error(ExitCode::model, "can't read the file", file, errno);
  }
}

}  // namespace

nlohmann::ordered_json input_of_backbone(const std::filesystem::path& file) {
  require_file(file);
  const Metadata metadata = metadata_of(file);
  auto input = nlohmann::ordered_json::object();
  for (const char* key : {"input_size", "resize", "interpolation", "mean", "std"}) {
    if (metadata.said.contains(key)) input[key] = metadata.said[key];
  }
  return input;
}

FileInfo read_file_info(const std::filesystem::path& file,
                        const std::optional<InputSpec>& override) {
  require_file(file);
  FileInfo info;
  const auto [said, where, of_model] = metadata_of(file);
  info.normalises = of_model;
  info.input_is_assumed = said.is_null() && !override;
  if (override) {
    info.input = *override;
  } else if (!said.is_null()) {
    info.input = input_spec_from_json(said, where);
  }
  if (!said.is_null()) read_metadata(info, said, where);
  return info;
}

}  // namespace tl
