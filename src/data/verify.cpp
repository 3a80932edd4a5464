#include "data/verify.h"

#include "tl/base/error.h"
#include "tl/data/image.h"

#include <algorithm>
#include <atomic>
#include <future>

namespace tl {
namespace {

constexpr std::size_t progress_step = 64;  // images

std::string reason_against_file(const std::filesystem::path& path) {
  try {
    decode_image(path, 8);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

std::vector<std::string> verify_images(
    const std::filesystem::path& root, const std::vector<std::string>& paths, int threads,
    const std::function<void(std::size_t, std::size_t)>& progress) {
  std::vector<std::string> reasons(paths.size());
  std::atomic<std::size_t> claimed = 0;
  std::atomic<std::size_t> done = 0;
  const auto work = [&] {
    for (std::size_t i = claimed++; i < paths.size(); i = claimed++) {
      reasons[i] = reason_against_file(root / paths[i]);
      const std::size_t now = ++done;
      if (progress && (now % progress_step == 0 || now == paths.size())) {
        progress(now, paths.size());
      }
    }
  };
  std::vector<std::future<void>> workers;
  for (int i = 0; i < std::max(threads, 1); ++i) {
    workers.push_back(std::async(std::launch::async, work));
  }
  for (auto& worker : workers)
    worker.get();
  return reasons;
}

}  // namespace tl
