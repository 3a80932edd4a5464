#include "data/verify.h"

#include "data/format.h"
#include "tl/base/error.h"
#include "tl/base/signals.h"
#include "tl/data/dataset.h"
#include "tl/data/image.h"

#include <algorithm>
#include <atomic>
#include <future>

namespace tl {
namespace {

constexpr std::size_t progress_step = 64;  // images

// work(i) for each i, on several threads; a stop is heard between two.
void for_each(std::size_t n, int threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> claimed = 0;
  const auto worker = [&] {
    for (std::size_t i = claimed++; i < n; i = claimed++) {
      if (stop_requested()) {
        throw Error(ExitCode::interrupted, "stopped while the images were checked", "",
                    "run the same command with --resume");
      }
      work(i);
    }
  };
  std::vector<std::future<void>> workers;
  for (int i = 0; i < std::max(threads, 1); ++i)
    workers.push_back(std::async(std::launch::async, worker));
  for (auto& running : workers)
    running.get();
}

Verified verify(const std::filesystem::path& path, ImageCache* keep) {
  if (keep != nullptr && keep->is_full()) keep = nullptr;
  Verified verified{};
  try {
    std::string bytes = read_image(path);
    verified.content = digest(bytes);
    const PixelSize claimed = claimed_size(bytes);
    const cv::Mat image = decode_image(std::move(bytes), path, keep ? keep->needed() : 1);
    if (keep != nullptr) keep->keep(verified.content, image);
    // A JPEG was decoded at a part of its size; of other formats, not every header is read.
    verified.width = claimed.width > 0 ? static_cast<int>(claimed.width) : image.cols;
    verified.height = claimed.height > 0 ? static_cast<int>(claimed.height) : image.rows;
  } catch (const Error& error) {
    if (error.code() != ExitCode::data) throw;  // says nothing about the image
    verified.reason = error.what();
  }
  return verified;
}

}  // namespace

std::vector<Verified> verify_images(const std::filesystem::path& root,
                                    const std::vector<std::string>& paths, int threads,
                                    const std::function<void(std::size_t, std::size_t)>& progress,
                                    ImageCache* keep) {
  std::vector<Verified> verified(paths.size());
  std::atomic<std::size_t> done = 0;
  for_each(paths.size(), threads, [&](std::size_t i) {
    verified[i] = verify(root / paths[i], keep);
    const std::size_t now = ++done;
    if (progress && (now % progress_step == 0 || now == paths.size())) progress(now, paths.size());
  });
  return verified;
}

void read_contents(Dataset& dataset, int threads) {
  for_each(dataset.samples.size(), threads, [&](std::size_t i) {
    Sample& sample = dataset.samples[i];
    sample.content = digest(read_image(dataset.root / sample.path));
  });
}

}  // namespace tl
