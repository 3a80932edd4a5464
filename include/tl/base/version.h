#pragma once

namespace tl {

// "0.1.0"
const char* version();

}  // namespace tl
