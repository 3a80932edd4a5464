#include "tl/base/text.h"

#include "catch.h"

#include <limits>
#include <vector>

TEST_CASE("str streams its arguments") {
  CHECK(tl::str("k = ", 3, ' ', 0.5) == "k = 3 0.5");
}

TEST_CASE("thousands are separated by commas") {
  CHECK(tl::thousands(0) == "0");
  CHECK(tl::thousands(999) == "999");
  CHECK(tl::thousands(1000) == "1,000");
  CHECK(tl::thousands(14764866) == "14,764,866");
  CHECK(tl::thousands(-999) == "-999");
  CHECK(tl::thousands(-123456) == "-123,456");
  CHECK(tl::thousands(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("fixed rounds to so many digits") {
  CHECK(tl::fixed(0.91666, 3) == "0.917");
  CHECK(tl::fixed(2.0, 0) == "2");
  CHECK(tl::fixed(-1.25, 1) == "-1.2");
}

TEST_CASE("a share is written in percent") {
  CHECK(tl::percent(0.91666) == "91.7 %");
  CHECK(tl::percent(1) == "100.0 %");
}

TEST_CASE("a float has as few digits as read back the same") {
  CHECK(tl::shortest(0.485F) == "0.485");
  CHECK(tl::shortest(0.1F + 0.2F) == "0.3");
  CHECK(tl::shortest(1.0F / 3) == "0.33333334");
}

TEST_CASE("count knows singular and plural") {
  CHECK(tl::count(1, "image") == "1 image");
  CHECK(tl::count(0, "image") == "0 images");
  CHECK(tl::count(2, "class", "classes") == "2 classes");
  CHECK(tl::count(1, "class", "classes") == "1 class");
  CHECK(tl::count(14764866, "parameter") == "14,764,866 parameters");
}

TEST_CASE("a list ends with dots where it has more words than are wanted") {
  const std::vector<std::string> words = {"cat", "dog", "eel"};
  CHECK(tl::listed(words) == "cat, dog, eel");
  CHECK(tl::listed(words, 3) == "cat, dog, eel");
  CHECK(tl::listed(words, 2) == "cat, dog, ...");
  CHECK(tl::listed(std::vector<std::string>{}).empty());
}

TEST_CASE("the first line and the last one that is not empty") {
  CHECK(tl::first_line("cause\nplace\n") == "cause");
  CHECK(tl::first_line("cause") == "cause");
  CHECK(tl::last_line("place\ncause\n\n") == "cause");
  CHECK(tl::last_line("cause") == "cause");
  CHECK(tl::last_line("\n").empty());
}

TEST_CASE("control characters are not printed, letters of any language are") {
  CHECK(tl::printable("a\nb\x1B[31m\x7F") == "a?b?[31m?");
  CHECK(tl::printable("Gänseblümchen 1.jpg") == "Gänseblümchen 1.jpg");
}

TEST_CASE("the nearest word is found, and none where none is near") {
  const std::vector<std::string> keys = {"batch_size", "epochs", "lr", "momentum", "seed"};
  CHECK(tl::nearest("batchsize", keys) == "batch_size");
  CHECK(tl::nearest("epoch", keys) == "epochs");
  CHECK(tl::nearest("Momentum", keys) == "momentum");
  CHECK(tl::nearest("rl", keys) == "lr");
  CHECK(tl::nearest("temperature", keys).empty());
  CHECK(tl::nearest("xy", keys).empty());
  CHECK(tl::nearest("", keys).empty());
  CHECK(tl::nearest("seed", std::vector<std::string>{}).empty());
}
