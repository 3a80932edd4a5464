// Text for HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace tl {

// Safe between tags and inside quoted attributes.
std::string escape(std::string_view text);

// A coordinate: one decimal is a tenth of a pixel.
std::string px(double value);

// The first characters (UTF-8) of a text that is longer than `most`, with an ellipsis.
std::string shorten(const std::string& text, std::size_t most);

// About how wide a text is in a sans-serif font, in units of the font's size.
double text_width(std::string_view text);

}  // namespace tl
