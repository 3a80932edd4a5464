#include "eval/markup.h"

#include "catch.h"

using namespace tl;

TEST_CASE("escape makes text safe in tags and attributes") {
  CHECK(escape("<a href=\"x\" id='y'>&amp;ü") ==
        "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;ü");
}

TEST_CASE("shorten counts characters, not bytes") {
  CHECK(shorten("tulip", 5) == "tulip");
  CHECK(shorten("tulips", 5) == "tuli…");
  CHECK(shorten("öäüßé", 5) == "öäüßé");
  CHECK(shorten("öäüßéx", 5) == "öäüß…");
  CHECK(shorten("", 5).empty());
}

TEST_CASE("a coordinate has one decimal") {
  CHECK(px(1.25 / 10) == "0.1");
}

TEST_CASE("text_width is wider for more characters and for wide ones") {
  CHECK(text_width("") == 0);
  CHECK(text_width("aa") == Approx(2 * text_width("a")));
  CHECK(text_width("菊") > text_width("a"));
  CHECK(text_width("菊") < text_width("aaa"));
}
