#include "config/strict_json.h"

#include "catch.h"
#include "error_of.h"

using tl::parse_json;

namespace {

std::string what_of(const std::string& text) {
  const auto error = error_of([&] { parse_json(text, "a.json"); });
  CHECK(error.code() == tl::ExitCode::usage);
  return error.what();
}

std::string place_of(const std::string& text) {
  return error_of([&] { parse_json(text, "a.json"); }).where();
}

}  // namespace

TEST_CASE("keys keep their order") {
  CHECK(parse_json(R"({"z": 1, "a": [2, {"b": null}]})", "a.json").dump() ==
        R"({"z":1,"a":[2,{"b":null}]})");
}

TEST_CASE("broken JSON is placed by line and column") {
  CHECK(place_of("{\"a\": 1,\n  \"b\": x\n}") == "a.json:2:8");
  CHECK(place_of("x") == "a.json:1:1");
  CHECK(place_of("") == "a.json:1:1");
  CHECK(place_of("{\n\n  \"a\" 1}") == "a.json:3:7");
  CHECK(place_of("{\"a\": 1,\n") == "a.json:2:1");
  CHECK(place_of("{} {}") == "a.json:1:4");
}

TEST_CASE("broken JSON says what was expected") {
  const std::string what = what_of("{\"a\" 1}");
  CHECK(has(what, "broken JSON: syntax error"));
  CHECK(has(what, "expected ':'"));
  CHECK(has(what_of("{\"a\": 1e999}"), "1e999"));
}

TEST_CASE("a repeated key is refused by its dotted name") {
  CHECK(what_of(R"({"a": 1, "a": 1})") == "the key a is given twice");
  CHECK(what_of(R"({"x": {"y": 0}, "a": {"b": {"c": 1, "d": 2, "c": 3}}})") ==
        "the key a.b.c is given twice");
  CHECK(what_of(R"({"a": [{"b": 1}, {"c": 1, "c": 2}]})") == "the key a.c is given twice");
}

TEST_CASE("the same key in two objects is fine") {
  CHECK_NOTHROW(
      parse_json(R"({"a": {"b": 1}, "c": {"b": 1, "a": 2}, "d": [{"a": 1}, {"a": 1}]})", ""));
}

TEST_CASE("bottomless nesting is refused") {
  CHECK(has(what_of(std::string(100'000, '[')), "nested deeper"));
}
