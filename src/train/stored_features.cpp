#include "tl/base/text.h"
#include "tl/train/features.h"
#include "train/feature_maker.h"

#include <ATen/ops/empty.h>
#include <c10/util/accumulate.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <thread>
#include <unistd.h>

namespace tl {
namespace {

// What one claim covers, in calls of the prefix: small enough that processes share the work, large
// enough that the pauses between two pieces don't count.
constexpr std::size_t calls_per_piece = 8;

class StoredFeatures : public FeatureSource {
 public:
  StoredFeatures(ImageFeatures of, const SourceOptions& options, FeatureStore& store,
                 StoringOptions storing)
      : of_(std::move(of)),
        options_(options),
        store_(store),
        storing_(std::move(storing)),
        images_per_call_(preferred_batch(of_.prefix.device())),
        entry_bytes_(feature_bytes(of_.prefix)) {}

  std::size_t batches() const override { return batches_of(of_.samples.size(), options_); }

  void begin(int epoch, std::size_t first) override {
    transform_ = transform_of(options_, epoch);
    order_ = epoch_order(of_.samples, options_, epoch);
    given_ = std::min(order_.size(), first * static_cast<std::size_t>(options_.batch_size));
    open_shelf(epoch);
    fill(epoch);
    compute_ahead();
  }

  std::optional<FeatureBatch> next() override {
    if (given_ == order_.size()) return std::nullopt;
    const std::size_t n =
        std::min(static_cast<std::size_t>(options_.batch_size), order_.size() - given_);
    const std::vector<std::size_t> samples(order_.begin() + given_, order_.begin() + given_ + n);
    given_ += n;
    const at::Device device = of_.prefix.device();
    return FeatureBatch{read(samples).to(device), of_.objective.targets(samples).to(device)};
  }

 private:
  Digest key_of(int epoch) const { return shelf_key(of_.prefix, options_, storing_.recipe, epoch); }

  void open_shelf(int epoch) {
    const Digest key = key_of(epoch);
    if (shelf_ && key == key_) return shelf_->exchange();  // it is in use still
    key_ = key;
    shelf_ = store_.shelf(key, entry_bytes_);
  }

  // An image's random choices come from its path, its pixels from its content.
  Digest entry_of(std::size_t sample) const {
    const Sample& image = of_.dataset.samples[sample];
    std::string text(image.content.begin(), image.content.end());
    if (options_.transform.augment != nullptr) text += str(image.id);
    return digest(text);
  }

  // --- computing what the store lacks ---

  using Piece = std::vector<std::size_t>;

  bool stops() const { return storing_.stop_requested && storing_.stop_requested(); }

  Piece missing(const Piece& piece) const {
    Piece absent;
    std::copy_if(piece.begin(), piece.end(), std::back_inserter(absent),
                 [&](std::size_t sample) { return !shelf_->contains(entry_of(sample)); });
    return absent;
  }

  std::vector<Piece> incomplete_pieces() const {
    std::vector<Piece> incomplete;
    const auto samples_per_piece = calls_per_piece * static_cast<std::size_t>(images_per_call_);
    for (std::size_t first = 0; first < of_.samples.size(); first += samples_per_piece) {
      const std::size_t last = std::min(first + samples_per_piece, of_.samples.size());
      Piece piece(of_.samples.begin() + first, of_.samples.begin() + last);
      if (!missing(piece).empty()) incomplete.push_back(std::move(piece));
    }
    return incomplete;
  }

  // The pieces are the same in every process, but each begins with another one. What another
  // process works on is looked at again when the rest is done.
  void fill(int epoch) {
    std::vector<Piece> open = incomplete_pieces();
    if (open.empty()) return;
    of_.prefix.prepare();
    if (key_of(epoch) != key_) {  // by another engine than the first choice
      open_shelf(epoch);
      open = incomplete_pieces();
      if (open.empty()) return;
    }
    std::rotate(open.begin(), open.begin() + ::getpid() % std::ssize(open), open.end());
    filled_ = 0;
    const auto ends = [&] { return stops() || !shelf_->has_room(); };
    while (!open.empty() && !ends()) {
      const std::size_t before = open.size();
      std::erase_if(open, [&](const Piece& piece) { return ends() || work_on(piece); });
      if (open.size() < before) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      shelf_->exchange();
    }
  }

  // False: another process has it.
  bool work_on(const Piece& piece) {
    if (missing(piece).empty()) return true;
    const auto claim = shelf_->claim(work_name(piece));
    if (!claim) return false;
    shelf_->exchange();  // it may have been computed before the claim was ours
    const Piece absent = missing(piece);
    FeatureMaker maker(of_, absent, images_per_call_, transform_, options_.workers);
    while (const auto made = maker.next()) {
      keep(*made);
      claim->renew();
      filled_ += made->samples.size();
      if (storing_.progress) storing_.progress(filled_, of_.samples.size());
      if (stops() || !shelf_->has_room()) break;
    }
    shelf_->exchange();
    return true;
  }

  Digest work_name(const Piece& piece) const {
    std::string text;
    for (const std::size_t sample : piece)
      text += hexadecimal(entry_of(sample));
    return digest(text);
  }

  void keep(const MadeFeatures& made) {
    const at::Tensor rows = made.features.to(at::kCPU).contiguous();
    const auto* bytes = static_cast<const std::byte*>(rows.const_data_ptr());
    for (std::size_t i = 0; i < made.samples.size(); ++i) {
      shelf_->add(entry_of(made.samples[i]), bytes + i * entry_bytes_);
    }
  }

  // --- handing out ---

  at::Tensor read(const std::vector<std::size_t>& samples) {
    std::vector<std::int64_t> sizes = of_.prefix.feature_sizes();
    sizes.insert(sizes.begin(), std::ssize(samples));
    at::Tensor features = at::empty(sizes, of_.prefix.feature_type());
    auto* bytes = static_cast<std::byte*>(features.mutable_data_ptr());
    std::vector<std::size_t> lost;  // since the epoch began: rows of the batch
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (!ahead_.empty() && ahead_.back() == samples[i]) {
        features[static_cast<std::int64_t>(i)].copy_(next_ahead());
      } else if (!shelf_->read(entry_of(samples[i]), bytes + i * entry_bytes_)) {
        lost.push_back(i);
      }
    }
    compute_again(samples, lost, features);
    return features;
  }

  void compute_again(const std::vector<std::size_t>& samples, const std::vector<std::size_t>& lost,
                     at::Tensor& features) {
    if (lost.empty()) return;
    Piece absent;
    for (const std::size_t i : lost)
      absent.push_back(samples[i]);
    FeatureMaker maker(of_, absent, images_per_call_, transform_, options_.workers);
    for (auto row = lost.begin(); const auto made = maker.next();) {
      keep(*made);
      for (std::int64_t i = 0; i < std::ssize(made->samples); ++i)
        features[static_cast<std::int64_t>(*row++)].copy_(made->features[i]);
    }
  }

  // What the store has no room for is computed as training goes on.
  void compute_ahead() {
    const Piece rest(order_.begin() + given_, order_.end());
    ahead_ = missing(rest);
    made_.reset();
    maker_.reset();
    if (ahead_.empty()) return;
    maker_.emplace(of_, ahead_, images_per_call_, transform_, options_.workers);
    std::reverse(ahead_.begin(), ahead_.end());
  }

  at::Tensor next_ahead() {
    ahead_.pop_back();
    if (!made_ || next_row_ == std::ssize(made_->samples)) {
      made_ = maker_->next();
      next_row_ = 0;
      keep(*made_);
    }
    return made_->features[next_row_++];
  }

  ImageFeatures of_;
  SourceOptions options_;
  FeatureStore& store_;
  StoringOptions storing_;
  int images_per_call_;
  std::size_t entry_bytes_;
  Transform transform_;
  std::vector<std::size_t> order_;
  std::size_t given_ = 0;  // of order_: samples that were handed out
  Digest key_{};
  std::unique_ptr<Shelf> shelf_;
  std::size_t filled_ = 0;
  std::vector<std::size_t> ahead_;  // still to come from maker_, the next one last
  std::optional<FeatureMaker> maker_;
  std::optional<MadeFeatures> made_;
  std::int64_t next_row_ = 0;  // of made_
};

}  // namespace

Digest shelf_key(const Prefix& prefix, const SourceOptions& options, const std::string& recipe,
                 int epoch) {
  std::string text =
      str(prefix.identity(), pixels_identity(), to_json(options.transform.input).dump());
  if (options.transform.augment != nullptr) {
    text +=
        str(recipe, " seed ", options.transform.seed, " view ", transform_of(options, epoch).epoch);
  }
  return digest(text);
}

std::size_t feature_bytes(const Prefix& prefix) {
  const auto count = static_cast<std::size_t>(c10::multiply_integers(prefix.feature_sizes()));
  return count * at::elementSize(prefix.feature_type());
}

std::unique_ptr<FeatureSource> stored_features(ImageFeatures of, const SourceOptions& options,
                                               FeatureStore& store, StoringOptions storing) {
  return std::make_unique<StoredFeatures>(std::move(of), options, store, std::move(storing));
}

}  // namespace tl
