#include "tl/base/csv.h"

#include "catch.h"

namespace tl {

TEST_CASE("fields are quoted where RFC 4180 asks for it, and nowhere else") {
  CHECK(csv_line({"a", "b c", "d"}) == "a,b c,d\n");
  CHECK(csv_line({"a,b", "say \"x\"", "two\nlines"}) ==
        "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\n");
  CHECK(csv_line({"", ""}) == ",\n");
}

TEST_CASE("records are read with quotes, empty fields and either line end") {
  CHECK(parse_csv("a,b\r\nc,\n") == CsvRecords{{"a", "b"}, {"c", ""}});
  CHECK(parse_csv("\"a,\"\"b\"\"\n\",c") == CsvRecords{{"a,\"b\"\n", "c"}});
  CHECK(parse_csv("").empty());
}

TEST_CASE("what was written is read") {
  const std::vector<std::string> fields = {"plain", "", "\"", ",", "a\r\nb", "\"\",\"\""};
  CHECK(parse_csv(csv_line(fields) + csv_line(fields)) == CsvRecords{fields, fields});
}

}  // namespace tl
