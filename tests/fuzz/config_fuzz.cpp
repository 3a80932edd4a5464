// A config file, and behind each NUL byte an override.
#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"
#include "tl/config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const MemoryFile file(text.substr(0, text.find('\0')));
  std::vector<std::string> overrides;
  for (auto end = text.find('\0'); end != text.npos; end = text.find('\0')) {
    text.remove_prefix(end + 1);
    overrides.emplace_back(text.substr(0, text.find('\0')));
  }
  refuses_only_with(tl::ExitCode::usage, [&] { tl::load_experiment(file.path(), overrides); });
  return 0;
}
