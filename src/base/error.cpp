#include "tl/base/error.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace tl {

Error::Error(ExitCode code, const std::string& what, std::string where, std::string hint)
    : std::runtime_error(what), code_(code), where_(std::move(where)), hint_(std::move(hint)) {}

std::string Error::report() const {
  std::string text = std::string("error: ") + what();
  if (!where_.empty()) text += "\n  where: " + where_;
  if (!hint_.empty()) text += "\n  hint:  " + hint_;
  return text;
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const std::string text = error.what();
  // A descriptor is what oneDNN lacks for a shape or type that it does not know.
  if (text.find("could not create a primitive descriptor") != text.npos) return false;
  constexpr const char* words[] = {"can't allocate memory", "out of memory",  // LibTorch, CUDA
                                   "could not create a primitive",            // oneDNN
                                   "failed to map segment"};  // a library that OpenVINO loads late
  return std::any_of(std::begin(words), std::end(words),
                     [&](const char* said) { return text.find(said) != text.npos; });
}

}  // namespace tl
