#include "tl/model/backbone_file.h"

#include "model/export_hint.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/log.h"
#include "tl/base/text.h"

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

void read_metadata(FileInfo& info, const json& metadata, const std::string& where) {
  info.input = input_spec_from_json(metadata, where);
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

}  // namespace

FileInfo read_file_info(const std::filesystem::path& file,
                        const std::optional<InputSpec>& override) {
  if (!std::filesystem::is_regular_file(file)) {
    throw Error(ExitCode::model, "there is no such file", file.string(),
                "scripts/export_backbone efficientnet_lite0 " + file.string());
  }
  if (!std::ifstream(file)) {
    throw_system_error(ExitCode::model, "can't read the file", file, errno);
  }
  FileInfo info;
  const auto read_from = [&](const std::string& metadata, const std::string& name,
                             const std::string& where) {
    log::debug(str("model: what ", file.string(), " takes is said by ", name));
    read_metadata(info, parse(metadata, where), where);
  };
  Archive archive(file);
  const std::string model = archive.extra("tl/model.json");
  const std::string backbone = archive.extra("tl/backbone.json");
  const auto beside = std::filesystem::path(file).replace_extension(".json");
  if (!model.empty()) {
    info.normalises = true;
    read_from(model, "tl/model.json in it", file.string());
  } else if (!backbone.empty()) {
    read_from(backbone, "tl/backbone.json in it", file.string());
  } else if (std::filesystem::exists(beside)) {
    read_from(read_file(beside, ExitCode::model), beside.string(), beside.string());
  } else {
    info.input_is_assumed = !override.has_value();
  }
  if (override) info.input = *override;
  return info;
}

}  // namespace tl
