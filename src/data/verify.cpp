#include "data/verify.h"

#include "data/decode.h"
#include "data/format.h"
#include "data/image_file.h"
#include "data/pixels_in_flight.h"
#include "tl/base/refusal.h"
#include "tl/data/image_cache.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <future>
#include <limits>
#include <mutex>

namespace tl {
namespace {

constexpr std::size_t progress_step = 64;  // images

// The error of the first of several pieces of work, whichever failed first.
class FirstError {
 public:
  explicit operator bool() const { return any_; }
  void take(std::size_t at, const std::exception_ptr& error) {
    const std::lock_guard lock(mutex_);
    any_ = true;
    if (at >= at_) return;
    at_ = at;
    error_ = error;
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> any_ = false;
  std::size_t at_ = std::numeric_limits<std::size_t>::max();
  std::exception_ptr error_;
};

void heed(const std::function<bool()>& stop) {
  if (!stop || !stop()) return;
  throw Refusal(ExitCode::interrupted, "stopped while the images were checked", "",
                "run the same command again", {Remedy::resume});
}

}  // namespace

void for_each_image(std::size_t count, const CheckOptions& how,
                    const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> claimed = 0;
  FirstError error;
  const auto worker = [&] {
    while (!error) {
      const std::size_t i = claimed++;
      if (i >= count) return;
      try {
        heed(how.stop);
        work(i);
      } catch (...) {
        error.take(i, std::current_exception());
      }
    }
  };
  std::vector<std::future<void>> workers;
  for (int i = 0; i < std::max(how.threads, 1); ++i)
    workers.push_back(std::async(std::launch::async, worker));
  for (auto& running : workers)
    running.get();
  error.rethrow();
}

namespace {

void decode_and_keep(const std::filesystem::path& path, ImageCache* keep, Verified& verified) {
  if (keep != nullptr && keep->is_full()) keep = nullptr;
  const int needed = keep ? keep->needed() : 1;
  const std::string bytes = read_image(path);
  const PixelsInFlight in_flight(pixels_to_decode(bytes, needed));
  const Decoded decoded = decode(bytes, path, needed);
  verified.content = digest(bytes);
  verified.lacks_end = decoded.lacks_end;
  if (keep != nullptr) keep->keep(verified.content, decoded.image);
  // A JPEG was decoded at a part of its size; of other formats, not every header is read.
  const PixelSize claimed = claimed_size(bytes);
  verified.width = claimed.width > 0 ? static_cast<int>(claimed.width) : decoded.image.cols;
  verified.height = claimed.height > 0 ? static_cast<int>(claimed.height) : decoded.image.rows;
}

Verified verify(const std::filesystem::path& path, ImageCache* keep) {
  Verified verified;
  try {
    decode_and_keep(path, keep, verified);
  } catch (const Error& error) {
    if (error.code() != ExitCode::data) throw;  // the machine lacks something
    verified.reason = error.what();
    const bool was_read = dynamic_cast<const Unusable*>(&error) != nullptr;
    if (!was_read) verified.error = std::current_exception();
  }
  return verified;
}

}  // namespace

std::vector<Verified> verify_images(const std::filesystem::path& root,
                                    const std::vector<std::string>& paths, const CheckOptions& how,
                                    const Refuse& refuse) {
  std::vector<Verified> verified(paths.size());
  std::atomic<std::size_t> done = 0;
  for_each_image(paths.size(), how, [&](std::size_t i) {
    verified[i] = verify(root / paths[i], how.images);
    if (refuse && !verified[i].reason.empty()) refuse(paths[i], verified[i]);
    const std::size_t now = ++done;
    const bool is_told = now % progress_step == 0 || now == paths.size();
    if (how.progress && is_told) how.progress(now, paths.size());
  });
  return verified;
}

void read_contents(Dataset& dataset, const CheckOptions& how) {
  for_each_image(dataset.samples.size(), how, [&](std::size_t i) {
    Sample& sample = dataset.samples[i];
    sample.content = digest(read_image(dataset.root / sample.path));
  });
}

}  // namespace tl
