// tl-bench-prefix: images a second of a network's frozen part, for scripts/bench.
#include "tl/base/stopwatch.h"
#include "tl/engine/inference.h"
#include "tl/run/device.h"

#include <ATen/ops/randint.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace {

// Whole calls until `seconds` are over, after one that warms up.
double images_per_second(const tl::Prefix& prefix, const at::Tensor& images, double seconds) {
  prefix.features(images);
  const tl::Stopwatch running;
  std::int64_t done = 0;
  while (running.seconds() < seconds) {
    prefix.features(images);
    done += images.size(0);
  }
  return static_cast<double>(done) / running.seconds();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Images a second of a network's frozen part.");
  std::string file;
  std::string precision = "bf16";
  int threads = 0;
  double seconds = 5;
  app.add_option("BACKBONE", file)->required();
  app.add_option("--precision", precision)->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_option("--threads", threads);
  app.add_option("--seconds", seconds);
  CLI11_PARSE(app, argc, argv);

  tl::set_up_process(threads);
  tl::Model model = tl::Model::load(file);
  model.attach_head({}, 2, 1);
  model.freeze(tl::FreezeWord::all);
  const tl::Prefix prefix(model, precision == "fp32" ? tl::Precision::fp32 : tl::Precision::bf16);
  const int batch = tl::preferred_batch(prefix.device());
  const auto& input = model.info().input;
  const at::Tensor images =
      at::randint(0, 256, {batch, input.height, input.width, 3}, at::TensorOptions(at::kByte));
  const nlohmann::ordered_json result = {
      {"images_per_second", images_per_second(prefix, images, seconds)},
      {"batch", batch},
      {"engine", prefix.engine()}};
  std::cout << result.dump() << "\n";
}
