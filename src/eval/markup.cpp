#include "eval/markup.h"

#include "tl/base/text.h"

namespace tl {
namespace {

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string px(double value) {
  return fixed(value, 1);
}

std::string shorten(const std::string& text, std::size_t most) {
  std::size_t characters = 0;
  std::size_t cut = text.size();  // the last character that has to give way to the ellipsis
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!begins_character(text[i])) continue;
    if (++characters == most) cut = i;
    if (characters > most) return text.substr(0, cut) + "…";
  }
  return text;
}

double text_width(std::string_view text) {
  double width = 0;
  for (const char c : text) {
    if (begins_character(c)) width += static_cast<unsigned char>(c) < 0x80U ? 0.64 : 1.0;
  }
  return width;
}

}  // namespace tl
