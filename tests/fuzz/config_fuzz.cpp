// A config file, and behind each NUL byte an override. What is taken must load again as it was
// resolved.
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
  refuses_only_with(tl::ExitCode::usage, [&] {
    const tl::LoadedExperiment once = tl::load_experiment(file.path(), overrides);
    const std::string resolved =
        once.resolved.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    // A path from the command line may be no UTF-8, and then no JSON holds it.
    if (nlohmann::ordered_json::parse(resolved) != once.resolved) return;
    const MemoryFile written(resolved);
    const tl::LoadedExperiment again = tl::load_experiment(written.path(), {});
    if (again.options != once.options || again.resolved != once.resolved) std::abort();
  });
  return 0;
}
