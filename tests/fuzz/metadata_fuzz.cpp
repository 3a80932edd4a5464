// What is read of a TorchScript file before it is loaded: the file itself, and, as it would seldom
// be hit, the metadata within a whole archive.
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"
#include "tl/model/backbone_file.h"

#include <caffe2/serialize/inline_container.h>

namespace {

std::string archive_with(const char* name, std::string_view metadata) {
  std::string bytes;
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  writer.writeRecord("constants.pkl", "", 0);
  writer.writeRecord(name, metadata.data(), metadata.size());
  writer.writeEndOfFile();
  return bytes;
}

void read_info(std::string_view bytes) {
  const MemoryFile file(bytes);
  refuses_only_with(tl::ExitCode::model, [&] { tl::read_file_info(file.path(), std::nullopt); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = text_of(data, size);
  read_info(bytes);
  read_info(archive_with("extra/tl/model.json", bytes));
  read_info(archive_with("extra/tl/backbone.json", bytes));
  return 0;
}
