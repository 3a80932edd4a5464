#include "engine/engine.h"
#include "tl/base/text.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <torch/version.h>
#ifdef TL_OPENVINO
#include <openvino/core/version.hpp>
#endif

#include <dlfcn.h>
#include <map>
#include <set>

namespace tl {
namespace {

// Of the code of each engine here: to be raised when a change of it changes a feature.
const std::map<std::string, int>& code_numbers() {
  static const std::map<std::string, int> numbers{{"openvino", 2}, {"libtorch", 2}, {"plain", 1}};
  return numbers;
}

// Libraries choose their kernels by the processor.
std::string instruction_sets() {
  std::set<std::string> sets;  // in order
  for (const auto& [name, value] : at::cpu::get_cpu_capabilities())
    if (value.isBool() && value.toBool()) sets.insert(name);
  std::string text = at::get_cpu_capability();
  for (const std::string& name : sets)
    text += " " + name;
  return text;
}

// Asked of CUDA's own library, which a LibTorch for CUDA has loaded: LibTorch hands out no such
// number without CUDA's headers. "" where it can't be had.
std::string compute_capability(const at::Device& device) {
  constexpr int major_attribute = 75;
  constexpr int minor_attribute = 76;
  using Ask = int(int* value, int attribute, int device);
  const auto ask = reinterpret_cast<Ask*>(dlsym(RTLD_DEFAULT, "cudaDeviceGetAttribute"));
  int major = 0;
  int minor = 0;
  const int index = device.has_index() ? device.index() : 0;
  if (ask == nullptr || ask(&major, major_attribute, index) != 0 ||
      ask(&minor, minor_attribute, index) != 0) {
    return "";
  }
  return str(major, ".", minor);
}

std::string hardware(const at::Device& device) {
  if (device.is_cpu()) return instruction_sets();
  return str("cuda ", compute_capability(device), " tf32 ", at::globalContext().allowTF32CuDNN(),
             at::globalContext().allowTF32CuBLAS());
}

}  // namespace

std::string first_engine([[maybe_unused]] const at::Device& device) {
#ifdef TL_OPENVINO
  if (device.is_cpu()) return "openvino";
#endif
  return "libtorch";
}

std::string engine_identity(const std::string& name, const EngineInput& input) {
  std::string text = str(name, " ", code_numbers().at(name), " libtorch ", TORCH_VERSION, " on ",
                         hardware(input.device));
#ifdef TL_OPENVINO
  if (name == "openvino") return str(text, " openvino ", ov::get_openvino_version().buildNumber);
#endif
  return str(text, " images ", input.images_per_call);
}

}  // namespace tl
