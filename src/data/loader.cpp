#include "tl/data/loader.h"

#include "data/decode.h"
#include "data/image_file.h"
#include "data/pixels_in_flight.h"
#include "tl/base/error.h"
#include "tl/base/text.h"
#include "tl/data/augment.h"
#include "tl/data/image.h"

#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace tl {
namespace {

// So that workers have something to do while the consumer is busy with something else.
constexpr int images_ahead = 256;

cv::Mat transformed(const cv::Mat& image, const Transform& transform, std::uint64_t sample_id) {
  if (!transform.augment) return resize_and_center_crop(image, transform.input);
  return augment(image, *transform.augment, transform.input,
                 {transform.seed, transform.epoch, sample_id});
}

}  // namespace

std::string pixels_identity() {
  constexpr int version = 4;  // of decoding, resizing and augmentation here: to be raised with them
  return str("pixels ", version, " torch ", TORCH_VERSION, " ", codecs(), "\n");
}

int needed_side(const InputSpec& input, const AugmentOptions* augment) {
  const double side = std::max({input.height, input.width, input.resize});
  if (augment == nullptr || !augment->crop) return static_cast<int>(2 * side);
  const CropOptions& crop = *augment->crop;
  // Of a crop that is flat or narrow, the shorter side is what counts.
  const double flattest = std::min({crop.ratio[0], 1 / crop.ratio[1], 1.0});
  const double needed = side / std::sqrt(crop.scale[0] * flattest);
  return static_cast<int>(std::min<double>(needed, std::numeric_limits<int>::max()));
}

// Workers claim one sample after the other; batches from `taken` on wait in `pending`. A worker
// pauses while its next sample's batch lies `ahead` or more batches in front of the consumer.
struct Loader::State {
  // A batch in the making. The error is that of its first bad sample, whoever came upon it first.
  struct Pending {
    Batch batch;
    int missing = 0;
    std::exception_ptr error;
    std::size_t error_at = 0;
  };

  const Dataset& dataset;
  const std::vector<std::size_t> order;
  const std::size_t batch_size;
  const Transform transform;
  const int needed;
  const std::size_t ahead;

  State(const Dataset& images, std::vector<std::size_t> sequence, int batch, const Transform& how,
        int threads)
      : dataset(images),
        order(std::move(sequence)),
        batch_size(static_cast<std::size_t>(batch)),
        transform(how),
        needed(needed_side(how.input, how.augment)),
        ahead(static_cast<std::size_t>(std::max(3, images_ahead / batch) + threads / batch)) {}

  std::mutex mutex;
  std::condition_variable room_made;
  std::condition_variable batch_ready;
  std::deque<Pending> pending;
  std::size_t claimed = 0;  // samples
  std::size_t taken = 0;    // batches
  bool stopped = false;
  std::vector<std::jthread> workers;

  bool exhausted() const { return stopped || claimed == order.size(); }
  bool has_room() const { return claimed / batch_size < taken + ahead; }

  Pending& open_batch_of(std::size_t position);
  static void make_room(Batch& batch);
  // An image that was decoded has its pixels in flight, one of the cache has not.
  std::string bytes_of(const Sample& sample) const;
  cv::Mat read(const Sample& sample, std::optional<PixelsInFlight>& in_flight) const;
  cv::Mat decoded(const Sample& sample, std::optional<PixelsInFlight>& in_flight) const;
  void make(std::size_t position, Pending& into) const;
  void work();
};

Loader::State::Pending& Loader::State::open_batch_of(std::size_t position) {
  const std::size_t number = position / batch_size;
  if (number == taken + pending.size()) {
    const std::size_t first = number * batch_size;
    const std::size_t n = std::min(batch_size, order.size() - first);
    Pending& fresh = pending.emplace_back();
    Batch& batch = fresh.batch;
    batch.count = fresh.missing = static_cast<int>(n);
    batch.height = transform.input.height;
    batch.width = transform.input.width;
    batch.samples.assign(order.begin() + first, order.begin() + first + n);
  }
  return pending[number - taken];
}

void Loader::State::make_room(Batch& batch) {
  const auto pixels = static_cast<std::size_t>(batch.height) * batch.width * 3;
  batch.pixels.resize(batch.count * pixels);
}

// Another image under the same name may be of another class, and its features would be kept as
// those of the first one.
std::string Loader::State::bytes_of(const Sample& sample) const {
  const std::filesystem::path path = dataset.root / sample.path;
  const bool is_known = sample.content != Digest{};
  const Error changed(ExitCode::data, "the file was changed after the data set was opened",
                      path.string(),
                      "leave the images alone while a program works on them, and run it again");
  try {
    std::string bytes = read_image(path);
    if (is_known && digest(bytes) != sample.content) throw changed;
    return bytes;
  } catch (const Unusable&) {
    if (is_known) throw changed;  // it was an image
    throw;
  }
}

cv::Mat Loader::State::read(const Sample& sample, std::optional<PixelsInFlight>& in_flight) const {
  const std::string bytes = bytes_of(sample);
  in_flight.emplace(pixels_to_decode(bytes, needed));
  return decode_image(bytes, dataset.root / sample.path, needed);
}

cv::Mat Loader::State::decoded(const Sample& sample,
                               std::optional<PixelsInFlight>& in_flight) const {
  if (transform.cache == nullptr || !transform.cache->suits(sample, needed))
    return read(sample, in_flight);
  cv::Mat image = transform.cache->find(sample.content);
  if (!image.empty()) return image;
  image = read(sample, in_flight);
  transform.cache->keep(sample.content, image);
  return image;
}

void Loader::State::make(std::size_t position, Pending& into) const {
  const Sample& sample = dataset.samples[order[position]];
  std::optional<PixelsInFlight> in_flight;
  const cv::Mat image = transformed(decoded(sample, in_flight), transform, sample.id);
  Batch& batch = into.batch;
  const std::size_t bytes = batch.pixels.size() / batch.count;
  const std::size_t offset = (position % batch_size) * bytes;
  image.copyTo(cv::Mat(batch.height, batch.width, CV_8UC3, batch.pixels.data() + offset));
}

void Loader::State::work() {
  std::unique_lock lock(mutex);
  while (true) {
    room_made.wait(lock, [&] { return exhausted() || has_room(); });
    if (exhausted()) return;
    const std::size_t position = claimed++;
    Pending& into = open_batch_of(position);  // a deque's items stay where they are
    std::exception_ptr error;
    try {
      make_room(into.batch);
      lock.unlock();
      make(position, into);
    } catch (...) {
      error = std::current_exception();
    }
    if (!lock.owns_lock()) lock.lock();
    if (error && (!into.error || position < into.error_at)) {
      into.error = error;
      into.error_at = position;
    }
    if (--into.missing == 0) batch_ready.notify_all();
  }
}

Loader::Loader(const Dataset& dataset, std::vector<std::size_t> order, int batch_size,
               const Transform& transform, int workers)
    : state_(std::make_unique<State>(dataset, std::move(order), batch_size, transform, workers)) {
  try {
    for (int i = 0; i < std::max(workers, 1); ++i)
      state_->workers.emplace_back([state = state_.get()] { state->work(); });
  } catch (const std::system_error&) {
    if (!state_->workers.empty()) return;  // fewer threads do it too
    throw;
  }
}

Loader::~Loader() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
  }
  state_->room_made.notify_all();
}

std::optional<Batch> Loader::next() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  if (state.taken * state.batch_size >= state.order.size()) return std::nullopt;
  state.batch_ready.wait(
      lock, [&] { return !state.pending.empty() && state.pending.front().missing == 0; });
  State::Pending& front = state.pending.front();
  if (front.error) std::rethrow_exception(front.error);
  Batch batch = std::move(front.batch);
  state.pending.pop_front();
  ++state.taken;
  lock.unlock();
  state.room_made.notify_all();
  return batch;
}

}  // namespace tl
