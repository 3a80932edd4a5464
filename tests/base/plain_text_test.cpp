#include "tl/base/plain_text.h"

#include "catch.h"
#include "tl/base/text.h"

TEST_CASE("what would command a terminal becomes a question mark") {
  CHECK(tl::printable_lines("a\x1b[31m\n\tb\x7f") == "a?[31m\n?b?");
  CHECK(tl::printable_lines("\u009b31m \u0085 caf\u00e9 \u00a0") == "?31m ? caf\u00e9 \u00a0");
  CHECK(tl::printable_lines("\xC2") == "\xC2");
  CHECK(tl::printable("a\nb\x1b") == "a?b?");
}

TEST_CASE("a byte order mark is left out at the beginning alone") {
  CHECK(tl::without_byte_order_mark("\xEF\xBB\xBFred\xEF\xBB\xBF") == "red\xEF\xBB\xBF");
  CHECK(tl::without_byte_order_mark("red").size() == 3);
  CHECK(tl::without_byte_order_mark("").empty());
}
