#include "tl/config/schema.h"

#include "catch.h"
#include "error_of.h"
#include "source_folder.h"
#include "tl/base/files.h"

using Json = nlohmann::ordered_json;

namespace {

const Json schema = Json::parse(R"json({
  "type": "object",
  "required": ["size"],
  "properties": {
    "size": {"type": "integer", "minimum": 1, "maximum": 9, "description": "How big."},
    "rate": {"$ref": "#/$defs/rate", "default": 0.5},
    "word": {"enum": ["alpha", "beta"], "default": "alpha"},
    "on": {"type": "boolean", "default": false},
    "maybe": {"type": ["number", "null"], "exclusiveMinimum": 0, "default": null},
    "pair": {"type": "array", "items": {"type": "number", "exclusiveMaximum": 1},
             "minItems": 2, "maxItems": 2, "default": [0, 0]},
    "views": {"oneOf": [{"const": "epoch"}, {"type": "integer", "minimum": 1}], "default": "epoch"},
    "code": {"type": "string", "pattern": "^x[0-9]$", "default": "x1"},
    "inner": {"type": "object", "default": {},
              "properties": {"deep": {"type": "integer", "default": 3}}},
    "shape": {"default": {"name": "disc"}, "oneOf": [
      {"type": "object", "properties": {"name": {"const": "disc", "default": "disc"},
                                        "radius": {"type": "number", "default": 1}}},
      {"type": "object", "properties": {"name": {"const": "box"},
                                        "width": {"type": "number", "default": 2}}}]}
  },
  "$defs": {"rate": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.1}}
})json");

Json apply(const std::string& text) {
  return tl::apply_schema(Json::parse(text), schema, "a.json");
}

tl::Error refusal(const std::string& text) {
  const auto error = error_of([&] { apply(text); });
  CHECK(error.code() == tl::ExitCode::usage);
  CHECK(error.where() == "a.json");
  return error;
}

std::string what_of(const std::string& text) {
  return refusal(text).what();
}

}  // namespace

TEST_CASE("defaults are filled in, in the schema's order") {
  CHECK(
      apply(R"({"on": true, "size": 2})").dump() ==
      R"({"size":2,"rate":0.5,"word":"alpha","on":true,"maybe":null,"pair":[0,0],"views":"epoch",)"
      R"("code":"x1","inner":{"deep":3},"shape":{"name":"disc","radius":1}})");
}

TEST_CASE("what is given is kept") {
  const Json result =
      apply(R"({"size": 9, "rate": 0, "word": "beta", "maybe": 0.1, "pair": [-1, 0.5],
                                "views": 4, "code": "x7", "inner": {"deep": 5},
                                "shape": {"name": "box"}})");
  CHECK(result["rate"] == 0);
  CHECK(result["word"] == "beta");
  CHECK(result["maybe"] == 0.1);
  CHECK(result["pair"] == Json({-1, 0.5}));
  CHECK(result["views"] == 4);
  CHECK(result["inner"]["deep"] == 5);
  CHECK(result["shape"].dump() == R"({"name":"box","width":2})");
}

TEST_CASE("a whole number may be written with a point") {
  const Json size = apply(R"({"size": 3.0})")["size"];
  CHECK(size.is_number_integer());
  CHECK(size == 3);
}

TEST_CASE("an unknown key names its nearest neighbour and the others") {
  const auto error = refusal(R"({"size": 1, "inner": {"dep": 1}})");
  CHECK(std::string(error.what()) == "unknown key inner.dep");
  CHECK(error.hint() == "did you mean \"deep\"? Known keys here: deep.");
  CHECK(has(refusal(R"({"sice": 1})").hint(), "did you mean \"size\"?"));
  CHECK_FALSE(has(refusal(R"({"temperature": 1})").hint(), "did you mean"));
}

TEST_CASE("all faults are told at once, each with its hint") {
  const auto error = refusal(R"({"size": 0, "wrod": "beta", "rate": "x"})");
  for (const char* part : {"error: unknown key wrod", "also:  size is 0", "How big.",
                           "did you mean \"word\"?", "also:  rate is \"x\""})
    CHECK(has(error.report(), part));
}

TEST_CASE("a key in the wrong place is told where it lives") {
  CHECK(has(refusal(R"({"size": 1, "deep": 2})").hint(), "It is inner.deep."));
  CHECK(has(refusal(R"({"size": 1, "width": 2})").hint(), "It is shape.width."));
  CHECK_FALSE(has(refusal(R"({"size": 1, "depth": 2})").hint(), "It is"));
}

TEST_CASE("a name where an object is wanted is shown in its right form") {
  CHECK(has(refusal(R"({"size": 1, "shape": "box"})").hint(), R"(write {"name":"box"})"));
}

TEST_CASE("a missing key is named with what it must be") {
  const auto error = refusal("{}");
  CHECK(std::string(error.what()) == "the key size is missing; it must be an integer from 1 to 9");
  CHECK(error.hint() == "How big.");
}

TEST_CASE("wrong types and ranges say what was given and what is allowed") {
  CHECK(what_of(R"({"size": 10})") == "size is 10, but must be an integer from 1 to 9");
  CHECK(what_of(R"({"size": 0})") == "size is 0, but must be an integer from 1 to 9");
  CHECK(has(what_of(R"({"size": 1.5})"), "size is 1.5, but must be an integer"));
  CHECK(has(what_of(R"({"size": "1"})"), "size is \"1\", but must be an integer"));
  CHECK(has(what_of(R"({"size": 1e300})"), "size is 1e+300, but"));
  CHECK(what_of(R"({"size": 1, "rate": 1})") ==
        "rate is 1, but must be a number of at least 0 and below 1");
  CHECK(what_of(R"({"size": 1, "on": 1})") == "on is 1, but must be true or false");
  CHECK(what_of(R"({"size": 1, "maybe": 0})") ==
        "maybe is 0, but must be a number above 0 or null");
  CHECK(what_of(R"({"size": 1, "inner": 3})") == "inner is 3, but must be an object in {}");
  CHECK(what_of(R"({"size": 1, "code": "x10"})") ==
        "code is \"x10\", but must be a string that matches ^x[0-9]$");
  CHECK(what_of("[]") == "the config is [], but must be an object in {}");
}

TEST_CASE("a wrong word names the nearest right one") {
  const auto error = refusal(R"({"size": 1, "word": "Beta"})");
  CHECK(std::string(error.what()) == "word is \"Beta\", but must be \"alpha\" or \"beta\"");
  CHECK(error.hint() == "did you mean \"beta\"?");
}

TEST_CASE("lists are checked item by item") {
  CHECK(what_of(R"({"size": 1, "pair": [0]})") ==
        "pair is [0], but must be a list of 2, each a number below 1");
  CHECK(what_of(R"({"size": 1, "pair": [0, 0, 0]})") ==
        "pair is [0,0,0], but must be a list of 2, each a number below 1");
  CHECK(what_of(R"({"size": 1, "pair": [0, 2]})") == "pair[1] is 2, but must be a number below 1");
}

TEST_CASE("alternatives are all named") {
  CHECK(what_of(R"({"size": 1, "views": 0})") ==
        "views is 0, but must be \"epoch\" or an integer of at least 1");
}

TEST_CASE("an object's name chooses its keys") {
  CHECK(what_of(R"({"size": 1, "shape": {"name": "disk"}})") ==
        "shape.name is \"disk\", but must be \"disc\" or \"box\"");
  CHECK(what_of(R"({"size": 1, "shape": {"name": 3}})") ==
        "shape.name is 3, but must be \"disc\" or \"box\"");
  CHECK(what_of(R"({"size": 1, "shape": {"name": "box", "radius": 1}})") ==
        "unknown key shape.radius");
  CHECK(what_of(R"({"size": 1, "shape": "disc"})") ==
        "shape is \"disc\", but must be an object in {}");
  CHECK(apply(R"({"size": 1, "shape": {"radius": 7}})")["shape"].dump() ==
        R"({"name":"disc","radius":7})");
}

TEST_CASE("a long value is shortened to whole characters") {
  std::string text = R"({"size": ")";
  for (int i = 0; i < 100; ++i)
    text += "\u00e9";
  const std::string what = what_of(text + "\"}");
  CHECK(what.size() < 150);
  CHECK(has(what, "\u00e9..., but"));
}

TEST_CASE("the embedded schema is the file") {
  const std::filesystem::path path = source_folder() / "configs/experiment.schema.json";
  CHECK(tl::experiment_schema() == Json::parse(tl::read_file(path, tl::ExitCode::defect)));
}

namespace {

// The dotted names of properties that lack what every documented key must have.
void find_gaps(const Json& node, const std::string& name, std::vector<std::string>& gaps) {
  if (node.is_array()) {
    for (const Json& item : node)
      find_gaps(item, name, gaps);
  }
  if (!node.is_object()) return;
  if (node.contains("properties")) {
    if (node.value("additionalProperties", true)) gaps.push_back(name + " is open");
    for (const auto& item : node["properties"].items()) {
      const bool documented = item.value().contains("description") ||
                              item.value().contains("$ref") || item.value().contains("const");
      if (!documented) gaps.push_back(name + "." + item.key());
      find_gaps(item.value(), name + "." + item.key(), gaps);
    }
  }
  if (node.contains("oneOf")) find_gaps(node["oneOf"], name, gaps);
}

}  // namespace

TEST_CASE("every key of the experiment schema is described and closed") {
  std::vector<std::string> gaps;
  find_gaps(tl::experiment_schema(), "", gaps);
  CHECK(gaps == std::vector<std::string>{});
}
