#include "tl/config/input_spec.h"

#include "catch.h"
#include "error_of.h"

#include <nlohmann/json.hpp>

using Json = nlohmann::json;
using tl::input_spec_from_json;

namespace {

tl::InputSpec read(const char* text) {
  return input_spec_from_json(Json::parse(text), "net.json");
}

std::string refusal(const char* text) {
  const auto error = error_of([&] { read(text); });
  CHECK(error.code() == tl::ExitCode::model);
  CHECK(error.where() == "net.json");
  return error.what();
}

}  // namespace

TEST_CASE("nothing said is the ImageNet convention") {
  const tl::InputSpec spec = read("{}");
  CHECK(spec == tl::InputSpec{});
  CHECK(spec.height == 224);
  CHECK(spec.resize == 256);
  CHECK(spec.mean[0] == 0.485F);
}

TEST_CASE("every key is read, and others are left alone") {
  const tl::InputSpec spec = read(R"({"input_size": [96, 128], "resize": 100,
      "interpolation": "bicubic", "mean": [0, 0.5, 1], "std": [1, 2, 3], "licence": "MIT"})");
  CHECK(spec.height == 96);
  CHECK(spec.width == 128);
  CHECK(spec.resize == 100);
  CHECK(spec.interpolation == tl::Interpolation::bicubic);
  CHECK(spec.mean == std::array<float, 3>{0.0F, 0.5F, 1.0F});
  CHECK(spec.std == std::array<float, 3>{1.0F, 2.0F, 3.0F});
}

TEST_CASE("an absent resize follows the input size") {
  CHECK(read(R"({"input_size": 448})").resize == 512);
  CHECK(read(R"({"input_size": [350, 700]})").resize == 400);
}

TEST_CASE("what is written is read again, in short numbers") {
  tl::InputSpec spec;
  spec.height = 64;
  spec.mean = {127.0F / 255.0F, 0.1F, 0.0F};
  spec.interpolation = tl::Interpolation::bicubic;
  CHECK(input_spec_from_json(tl::to_json(spec), "") == spec);
  CHECK(tl::to_json(tl::InputSpec{})["mean"].dump() == "[0.485,0.456,0.406]");
  CHECK(tl::to_json(tl::InputSpec{})["input_size"] == 224);
  CHECK(tl::to_json(spec)["input_size"] == Json({64, 224}));
}

TEST_CASE("impossible descriptions are model errors") {
  CHECK(refusal("[]") == "the input description is [], but must be an object");
  CHECK(has(refusal(R"({"input_size": 0})"), "input_size is 0, but must be"));
  CHECK(has(refusal(R"({"input_size": 1.5})"), "input_size is 1.5"));
  CHECK(has(refusal(R"({"input_size": [1, 2, 3]})"), "[height, width]"));
  CHECK(has(refusal(R"({"input_size": [1, "2"]})"), "input_size is \"2\""));
  CHECK(has(refusal(R"({"input_size": 1e300})"), "4096"));
  CHECK(has(refusal(R"({"resize": "256"})"), "resize is \"256\""));
  CHECK(has(refusal(R"({"resize": 200})"), "at least the shorter side"));
  CHECK(has(refusal(R"({"interpolation": "lanczos"})"), "\"bilinear\" or \"bicubic\""));
  CHECK(has(refusal(R"({"mean": [0, 0]})"), "mean is [0,0]"));
  CHECK(has(refusal(R"({"mean": [0, 0, "0"]})"), "3 numbers"));
  CHECK(has(refusal(R"({"mean": [0, 0, 1e300]})"), "3 numbers"));
  CHECK(has(refusal(R"({"std": [1, 0, 1]})"), "std is [1,0,1], but must be above 0"));
}
