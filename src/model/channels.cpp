#include "model/channels.h"

#include "model/kinds.h"

#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string>

namespace tl {
namespace {

using torch::jit::Node;
using torch::jit::Value;
using Sizes = std::vector<std::int64_t>;

// For each axis of a value, the axis that it is in the end; none where it is only part of one.
using Axes = std::vector<std::optional<std::size_t>>;

bool makes_channels_first(const Node* node) {
  static const std::set<std::string> kinds = {
      "aten::batch_norm",          "aten::instance_norm",
      "aten::group_norm",          "aten::max_pool2d",
      "aten::avg_pool2d",          "aten::adaptive_avg_pool2d",
      "aten::max_pool1d",          "aten::adaptive_max_pool2d",
      "aten::upsample_nearest2d",  "aten::_upsample_nearest_exact2d",
      "aten::upsample_bilinear2d", "aten::_upsample_bilinear2d_aa",
      "aten::upsample_bicubic2d",  "aten::_upsample_bicubic2d_aa",
      "aten::pixel_shuffle",       "aten::pixel_unshuffle",
      "aten::channel_shuffle",     "aten::grid_sampler"};
  return is_convolution(node) || is_one_of(node, kinds);
}

bool is_of_channels_last(const Node* node) {
  return is_recurrent(node) || is_one_of(node, {"aten::linear", "aten::embedding"});
}

// x @ w: the weight's columns are the channels.
bool is_product_with_weight(const Node* node) {
  return is_one_of(node, {"aten::matmul", "aten::mm", "aten::tensordot"}) &&
         node->input(1)->node()->kind() == torch::jit::prim::Param;
}

bool only_changes_the_form(const Node* node) {
  static const std::set<std::string> kinds = {
      "aten::view",    "aten::reshape",   "aten::flatten",     "aten::unflatten",
      "aten::squeeze", "aten::unsqueeze", "aten::_unsafe_view"};
  return is_one_of(node, kinds);
}

bool is_reduction(const Node* node) {
  return is_one_of(node, {"aten::mean", "aten::sum", "aten::amax", "aten::amin"});
}

// Takes a part of its first input, or repeats it: sides stay where they are.
bool keeps_sides(const Node* node) {
  static const std::set<std::string> kinds = {
      "aten::slice",        "aten::pad",       "aten::constant_pad_nd",
      "aten::chunk",        "aten::narrow",    "aten::cat",
      "aten::index_select", "aten::split",     "aten::split_with_sizes",
      "aten::roll",         "aten::repeat",    "aten::tile",
      "aten::expand",       "aten::expand_as", "aten::repeat_interleave",
      "aten::glu"};
  return is_one_of(node, kinds);
}

// Follows a value back to the layer that made it.
class Way {
 public:
  Way(const Recording& recording, const Value* value, std::set<const Value*>& branched)
      : recording_(recording), value_(value), branched_(branched), axes_(sizes(value, 0).size()) {
    for (std::size_t i = 0; i < axes_.size(); ++i)
      axes_[i] = i;
  }

  std::optional<std::size_t> channels() {
    while (value_ != nullptr) {
      const Node* node = value_->node();
      if (node->kind() == torch::jit::prim::Param) {
        const bool is_image = value_->offset() == 0;
        return is_image ? axes_[1] : std::nullopt;
      }
      if (makes_channels_first(node) && axes_.size() > 1) return axes_[1];
      if (is_of_channels_last(node) || is_product_with_weight(node) || is_norm_of_last_axis(node))
        return axes_.back();
      value_ = step(node);
    }
    return found_;
  }

 private:
  const Sizes& sizes(const Value* value, int which) const {
    static const Sizes none;
    const auto found = recording_.sizes[which].find(value);
    return found == recording_.sizes[which].end() ? none : found->second;
  }

  // The value in front of the node; none where the axes can't be followed through it.
  const Value* step(const Node* node) {
    const Value* input = node->inputs().empty() ? nullptr : node->input(0);
    if (input == nullptr) return nullptr;
    if (is_one_of(node, {"aten::permute"})) return permuted(node, input);
    if (is_one_of(node,
                  {"aten::transpose", "aten::transpose_", "aten::swapaxes", "aten::swapdims"})) {
      return transposed(node, input);
    }
    if (is_one_of(node, {"aten::movedim", "aten::moveaxis"})) return moved(node, input);
    if (only_changes_the_form(node)) return reshaped(input);
    if (is_one_of(node, {"aten::mT"})) return swapped(-2, -1, input);
    if (is_one_of(node, {"aten::rot90"})) return turned(node, input);
    if (is_one_of(node, {"prim::ListUnpack", "prim::TupleUnpack"})) return input;
    if (!branched_.insert(value_).second) return nullptr;
    const Sizes& own = sizes(value_, 0);
    const auto is_on_the_way = [&](const Value* candidate) {
      return is_container(node) || (!own.empty() && sizes(candidate, 0) == own);
    };
    for (const Value* candidate : node->inputs()) {
      if (!is_on_the_way(candidate)) continue;
      Way branch = *this;
      branch.value_ = candidate;
      found_ = branch.channels();
      if (found_) return nullptr;
    }
    if (is_reduction(node)) return reduced(node, input);
    return keeps_sides(node) || indexes_one_side(node) ? repeated(input) : nullptr;
  }

  std::optional<Sizes> constant(const Node* node, std::size_t input) const {
    const auto value = torch::jit::toIValue(node->input(input));
    if (value && value->isInt()) return Sizes{value->toInt()};
    const auto known = recording_.numbers[0].find(node->input(input));
    if (known == recording_.numbers[0].end()) return std::nullopt;
    return known->second;
  }

  // A norm over several axes, as LayerNorm([C, H, W]), tells nothing.
  bool is_norm_of_last_axis(const Node* node) const {
    if (!is_one_of(node, {"aten::layer_norm", "aten::rms_norm"})) return false;
    const auto sizes = constant(node, 1);
    return sizes && sizes->size() == 1;
  }

  std::size_t axis(std::int64_t index) const {
    const auto rank = static_cast<std::int64_t>(axes_.size());
    return static_cast<std::size_t>(index < 0 ? index + rank : index);
  }

  const Value* permuted(const Node* node, const Value* input) {
    const auto order = constant(node, 1);
    if (!order) return nullptr;
    const Axes behind = axes_;
    for (std::size_t i = 0; i < behind.size(); ++i)
      axes_[axis((*order)[i])] = behind[i];
    return input;
  }

  const Value* transposed(const Node* node, const Value* input) {
    const auto a = constant(node, 1);
    const auto b = constant(node, 2);
    return a && b ? swapped(a->at(0), b->at(0), input) : nullptr;
  }

  const Value* turned(const Node* node, const Value* input) {
    const auto quarters = constant(node, 1);
    const auto sides = constant(node, 2);
    if (!quarters || !sides) return nullptr;
    return quarters->at(0) % 2 == 0 ? input : swapped(sides->at(0), sides->at(1), input);
  }

  const Value* swapped(std::int64_t a, std::int64_t b, const Value* input) {
    std::swap(axes_[axis(a)], axes_[axis(b)]);
    return input;
  }

  // What is summed up is no axis in the end.
  const Value* reduced(const Node* node, const Value* input) {
    const std::size_t rank = sizes(input, 0).size();
    if (rank == axes_.size()) return input;
    auto over = constant(node, 1);
    if (!over || axes_.size() + over->size() != rank) return nullptr;
    for (std::int64_t& side : *over)
      side += side < 0 ? static_cast<std::int64_t>(rank) : 0;
    std::sort(over->begin(), over->end());
    for (const std::int64_t side : *over)
      axes_.insert(axes_.begin() + side, std::nullopt);
    return input;
  }

  // x[:, indices]: what is chosen stays where it was.
  bool indexes_one_side(const Node* node) const {
    if (!is_one_of(node, {"aten::index"})) return false;
    const auto indices = node->input(1)->node()->inputs();
    return std::count_if(indices.begin(), indices.end(), is_tensor) == 1 &&
           sizes(node->input(0), 0).size() == axes_.size();
  }

  // New sides come in front.
  const Value* repeated(const Value* input) {
    const std::size_t rank = sizes(input, 0).size();
    if (rank > 0 && rank < axes_.size())
      axes_.erase(axes_.begin(), axes_.end() - static_cast<std::ptrdiff_t>(rank));
    return rank > axes_.size() ? nullptr : input;
  }

  const Value* moved(const Node* node, const Value* input) {
    const auto from = constant(node, 1);
    const auto to = constant(node, 2);
    if (!from || !to || from->size() != 1) return nullptr;
    const auto before = static_cast<std::ptrdiff_t>(axis(from->at(0)));
    const auto behind = static_cast<std::ptrdiff_t>(axis(to->at(0)));
    const auto moved_axis = axes_[axis(to->at(0))];
    axes_.erase(axes_.begin() + behind);
    axes_.insert(axes_.begin() + before, moved_axis);
    return input;
  }

  // An axis stays one where as many numbers stand in front of it and behind it, for both batches.
  const Value* reshaped(const Value* input) {
    const auto places = [&](const Value* value) {
      std::vector<std::vector<std::int64_t>> all;
      for (std::size_t i = 0; i < sizes(value, 0).size(); ++i) {
        std::vector<std::int64_t> place;
        for (const int which : {0, 1}) {
          const Sizes& all_sizes = sizes(value, which);
          const auto begin = all_sizes.begin() + static_cast<std::ptrdiff_t>(i);
          place.push_back(*begin);
          place.push_back(
              std::accumulate(begin + 1, all_sizes.end(), std::int64_t{1}, std::multiplies<>()));
        }
        all.push_back(std::move(place));
      }
      return all;
    };
    const auto before = places(input);
    const auto behind = places(value_);
    Axes axes(before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      for (std::size_t j = 0; j < behind.size(); ++j) {
        if (before[i] == behind[j] && before[i][0] > 1) axes[i] = axes_[j];
      }
    }
    axes_ = std::move(axes);
    return input;
  }

  const Recording& recording_;
  const Value* value_;
  std::set<const Value*>& branched_;  // values whose branches were tried
  Axes axes_;
  std::optional<std::size_t> found_;  // on a branch
};

}  // namespace

std::optional<std::size_t> channel_axis(const Recording& recording, const Value* value) {
  std::set<const Value*> branched;
  return Way(recording, value, branched).channels();
}

}  // namespace tl
