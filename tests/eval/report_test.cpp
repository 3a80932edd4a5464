#include "tl/eval/report.h"

#include "catch.h"
#include "temporary_folder.h"
#include "tl/base/error.h"
#include "tl/base/files.h"

using namespace tl;
namespace fs = std::filesystem;

namespace {

ReportInput two_classes() {
  ReportInput input;
  input.title = "a run";
  input.split = "test";
  input.classes = {"cat, wild", "the \"dog\""};
  input.predictions = {{"cat/1,2.jpg", 0, {0.75F, 0.25F}}, {"dog/3.jpg", 1, {0.625F, 0.375F}}};
  return input;
}

}  // namespace

TEST_CASE("report.json has the keys of the contract") {
  const ReportInput input = two_classes();
  const auto json = metrics_to_json(compute_metrics(input.predictions, input.classes), "val");
  CHECK(json["split"] == "val");
  CHECK(json["n"] == 2);
  CHECK(json["top1"] == 0.5);
  REQUIRE(json["top1_ci95"].is_array());
  REQUIRE(json["top1_ci95"].size() == 2);
  CHECK(json["top1_ci95"][0].get<double>() < 0.5);
  CHECK(json["top1_ci95"][1].get<double>() > 0.5);
  for (const char* key : {"top5", "macro_f1", "nll", "ece"})
    CHECK(json[key].is_number());
  REQUIRE(json["classes"].is_array());
  REQUIRE(json["classes"].size() == 2);
  // Both were called cat: precision 1/2, recall 1, F1 2/3.
  CHECK(json["classes"][0]["name"] == "cat, wild");
  CHECK(json["classes"][0]["precision"] == 0.5);
  CHECK(json["classes"][0]["recall"] == 1.0);
  CHECK(json["classes"][0]["f1"].get<double>() == Approx(2.0 / 3));
  CHECK(json["classes"][0]["support"] == 1);
}

TEST_CASE("write_report writes four files") {
  const TemporaryFolder folder;
  const ReportInput input = two_classes();
  write_report(input, compute_metrics(input.predictions, input.classes), folder.path());

  CHECK(read_file(folder / "confusion.csv", ExitCode::data) ==
        "label,\"cat, wild\",\"the \"\"dog\"\"\"\n"
        "\"cat, wild\",1,0\n"
        "\"the \"\"dog\"\"\",1,0\n");
  CHECK(read_file(folder / "predictions.csv", ExitCode::data) ==
        "path,label,prediction,confidence,\"p_cat, wild\",\"p_the \"\"dog\"\"\"\n"
        "\"cat/1,2.jpg\",\"cat, wild\",\"cat, wild\",0.75,0.75,0.25\n"
        "dog/3.jpg,\"the \"\"dog\"\"\",\"cat, wild\",0.625,0.625,0.375\n");
  const auto json = nlohmann::json::parse(read_file(folder / "report.json", ExitCode::data));
  CHECK(json["top1"] == 0.5);
  CHECK(json["split"] == "test");
  CHECK(fs::file_size(folder / "report.html") > 1000);
  CHECK_FALSE(json.contains("faults"));  // not known
}

TEST_CASE("report.json holds the faults of the data as they are given") {
  const TemporaryFolder folder;
  ReportInput input = two_classes();
  input.faults = nlohmann::json::array({{{"kind", "repeated"}, {"message", "m"}, {"cases", {}}}});
  write_report(input, compute_metrics(input.predictions, input.classes), folder.path());
  const auto json = nlohmann::json::parse(read_file(folder / "report.json", ExitCode::data));
  CHECK(json["faults"] == input.faults);
}

TEST_CASE("a class name that is not UTF-8 still gives valid JSON") {
  const TemporaryFolder folder;
  ReportInput input = two_classes();
  input.classes[0] = "caf\xe9";
  write_report(input, compute_metrics(input.predictions, input.classes), folder.path());
  const auto json = nlohmann::json::parse(read_file(folder / "report.json", ExitCode::data));
  CHECK(json["classes"][0]["name"] == "caf\xef\xbf\xbd");  // the replacement character
}

TEST_CASE("a report into a place that is no folder is a usage error") {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  const ReportInput input = two_classes();
  const Metrics metrics = compute_metrics(input.predictions, input.classes);
  try {
    write_report(input, metrics, folder / "file");
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.code() == ExitCode::usage);
  }
}
