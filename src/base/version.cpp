#include "tl/base/version.h"

namespace tl {

const char* version() {
  return TL_VERSION;
}

}  // namespace tl
