// What the model room takes: the backbone and the head.
#pragma once

#include "tl/config/fields.h"
#include "tl/config/input_spec.h"

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tl {

// One of these words, k layers, or a layer's name.
enum class FreezeWord { all, none };
constexpr auto words_of(FreezeWord) {
  return std::array{"all", "none"};
}
using Freeze = std::variant<FreezeWord, int, std::string>;

enum class Init { pretrained, scratch };
constexpr auto words_of(Init) {
  return std::array{"pretrained", "scratch"};
}

enum class BatchNorm { frozen, train };
constexpr auto words_of(BatchNorm) {
  return std::array{"frozen", "train"};
}

struct BackboneOptions {
  std::filesystem::path file;  // absolute
  Init init = Init::pretrained;
  Freeze freeze = FreezeWord::all;
  BatchNorm batch_norm = BatchNorm::frozen;
  std::optional<InputSpec> input;  // overrides what the file says

  TL_FIELDS(file, init, freeze, batch_norm, input)
  bool operator==(const BackboneOptions&) const = default;
};

enum class Pool { automatic, avg, max, flatten };
constexpr auto words_of(Pool) {
  return std::array{"auto", "avg", "max", "flatten"};
}

// How the last Linear is found: by the optimizer's steps, or solved.
enum class HeadFit { gradient, exact };
constexpr auto words_of(HeadFit) {
  return std::array{"gradient", "exact"};
}

// Where the head's features come from: the last layer, every layer that the network can be cut
// behind, a choice of these by cross-validation, or the layers of these names.
enum class HeadDepths { last, depths, automatic };
constexpr auto words_of(HeadDepths) {
  return std::array{"last", "depths", "auto"};
}
using HeadInputs = std::variant<HeadDepths, std::vector<std::string>>;

struct HeadOptions {
  Pool pool = Pool::automatic;
  std::vector<int> hidden;  // widths of Linear + ReLU before the last Linear
  double dropout = 0.2;     // before each Linear
  HeadFit fit = HeadFit::gradient;
  HeadInputs inputs = HeadDepths::last;
  bool refit = false;  // once more on train and val together

  TL_FIELDS(pool, hidden, dropout, fit, inputs, refit)
  bool operator==(const HeadOptions&) const = default;
};

enum class Precision { automatic, fp32, bf16 };
constexpr auto words_of(Precision) {
  return std::array{"auto", "fp32", "bf16"};
}

}  // namespace tl
