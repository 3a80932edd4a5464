// Text from elsewhere, made fit to be read and shown.
#pragma once

#include <string>

namespace tl {

// For a terminal: control characters but line breaks, such as a path may hold, become '?'.
std::string printable_lines(std::string text);

// Without the mark that some editors put in front of UTF-8.
std::string without_byte_order_mark(std::string text);

}  // namespace tl
