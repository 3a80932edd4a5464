#include "model/kinds.h"
#include "model/network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <string_view>

namespace tl {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// How a tensor is used decides how it starts: its consumer's kind and its place among the
// arguments.
struct Use {
  std::string kind;
  std::size_t argument = 0;
};

Use first_use(const FlatGraph& flat, std::size_t tensor) {
  const auto& uses = flat.graph->inputs()[tensor + 1]->uses();
  if (uses.empty()) return {};
  return {uses[0].user->kind().toQualString(), uses[0].offset};
}

// He et al. 2015 with fan-out for convolutions, as torchvision's networks start; fan-in for the
// rest.
void draw_weight(at::Tensor& weight, bool convolution, const at::Generator& generator) {
  double fan = static_cast<double>(convolution ? weight.size(0) : weight.size(1));
  for (std::int64_t i = 2; i < weight.dim(); ++i)
    fan *= static_cast<double>(weight.size(i));
  weight.normal_(0, std::sqrt((convolution ? 2.0 : 1.0) / fan), generator);
}

void draw(NamedTensor& named, const Use& use, const at::Generator& generator) {
  at::Tensor& tensor = named.tensor;
  const bool norm = ends_with(use.kind, "_norm");
  const bool convolution = use.kind.find("conv") != std::string::npos;
  if (!tensor.is_floating_point()) return;
  if (norm && !named.parameter &&
      (use.argument == batch_norm::running_mean || use.argument == batch_norm::running_variance)) {
    tensor.fill_(use.argument == batch_norm::running_variance ? 1 : 0);
  } else if (!named.parameter) {
    return;
  } else if (norm) {
    tensor.fill_(ends_with(named.name, "bias") ? 0 : 1);
  } else if (ends_with(named.name, "bias")) {
    tensor.zero_();
  } else if (tensor.dim() >= 2 && (convolution || use.kind == "aten::linear" ||
                                   use.kind == "aten::t" || use.kind == "aten::matmul")) {
    draw_weight(tensor, convolution, generator);
  } else if (use.kind == "aten::mul") {
    tensor.fill_(1);
  } else {
    tensor.normal_(0, 0.02, generator);
  }
}

}  // namespace

void Model::initialise_unfrozen(std::uint64_t seed) {
  const at::NoGradGuard no_grad;
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  FlatGraph& flat = network_->flat;
  for (std::size_t i = 0; i < flat.tensors.size(); ++i) {
    NamedTensor& tensor = flat.tensors[i];
    if (!tensor.frozen && !tensor.fixed && !tensor.head)
      draw(tensor, first_use(flat, i), generator);
  }
}

}  // namespace tl
