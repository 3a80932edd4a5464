#include "tl/base/error.h"

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

}  // namespace tl
