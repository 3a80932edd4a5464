#include "data/class_names.h"

#include "catch.h"
#include "data/scratch.h"

namespace tl {

using test::has;

TEST_CASE("names that people take for one another are similar") {
  const std::string composed = "caf\u00e9", decomposed = "cafe\u0301";
  CHECK(has(difference(composed, decomposed), "Unicode form"));
  CHECK(difference("Daisy", "daisy") == "upper and lower case");
  CHECK(difference("STRASSE", "stra\u00dfe") == "upper and lower case");
  CHECK(difference("daisy", "daisy ") == "blanks at an end");
  CHECK(has(difference("daisy", "dai\u200bsy"), "can't be seen"));
  CHECK(has(difference("daisy", "\uff44aisy"), "look alike"));
  CHECK(difference("daisy", "rose").empty());
  CHECK(difference("cafe", composed).empty());
  CHECK(similar_to("Daisy", {"Daisy", "rose", "daisy"}) == "daisy");
  CHECK(similar_to("Daisy", {"Daisy", "rose"}).empty());
}

TEST_CASE("similar names come in groups") {
  const auto groups = similar_names({"A", "b", "a", "c", " a", "C"});
  REQUIRE(groups.size() == 2);
  CHECK(groups[0] == std::vector<std::size_t>{0, 2, 4});
  CHECK(groups[1] == std::vector<std::size_t>{3, 5});
  CHECK(similar_names({"1", "2"}).empty());
  CHECK(similar_names({"a\xFF", "a\xFE"}).empty());  // no UTF-8
}

}  // namespace tl
