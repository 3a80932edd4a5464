#include "model/explain.h"

#include "tl/base/text.h"

namespace tl {
namespace {

bool runs_on(torch::jit::Module module, const at::Tensor& images) {
  try {
    module.forward({images});
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::string cause_of(const std::exception& error) {
  const std::string text = error.what();
  const std::string mark = "RuntimeError: ";
  const std::size_t found = text.rfind(mark);
  const std::size_t begin = found == std::string::npos ? 0 : found + mark.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string remedy_for(const torch::jit::Module& module, const at::Tensor& images) {
  const at::Tensor image = images.narrow(0, 0, 1);
  auto sizes = image.sizes().vec();
  for (const std::int64_t n : {1, 4, 8, 16, 32, 64}) {
    sizes[0] = n;
    if (!runs_on(module, image.expand(sizes))) continue;
    return str("it takes batches of ", n,
               " alone: its trace has fixed that number; export it with ",
               "sizes that follow the input, as x.flatten(1) for x.reshape(", n, ", -1)");
  }
  return "it must take N x 3 x H x W; check backbone.input (the size it takes)";
}

}  // namespace tl
