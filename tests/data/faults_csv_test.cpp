// Faults as files and as JSON.
#include "catch.h"
#include "error_of.h"
#include "temporary_folder.h"
#include "tl/base/files.h"
#include "tl/data/faults.h"

#include <nlohmann/json.hpp>

using namespace tl;

namespace {

const std::vector<Fault> faults = {
    {"in_two_splits", "2 images, \"alike\"", {{{"a/1.jpg", "a/2,3.jpg"}, ""}, {{"b/1.jpg"}, ""}}},
    {"few_images", "too few", {{{"a/1.jpg"}, "1 image in val"}, {{""}, "0 images in test"}}}};

}  // namespace

TEST_CASE("faults are read as they were written, every case of each") {
  const TemporaryFolder folder;
  Dataset dataset;
  dataset.classes = {"a"};
  dataset.samples = {{"a/1.jpg", 0, Split::val, 1}};
  write_faults_csv(dataset, faults, folder / "faults.csv");
  CHECK(read_file(folder / "faults.csv", ExitCode::data).find("a/1.jpg,a,val") !=
        std::string::npos);
  CHECK(to_json(read_faults_csv(folder / "faults.csv")) == to_json(faults));
  write_faults_csv(dataset, {}, folder / "faults.csv");
  CHECK(read_faults_csv(folder / "faults.csv").empty());
}

TEST_CASE("what is no list of faults is refused") {
  const TemporaryFolder folder;
  write_file(folder / "faults.csv", "path,reason\n");
  CHECK(error_of([&] { read_faults_csv(folder / "faults.csv"); }).code() == ExitCode::data);
}

TEST_CASE("as JSON, a fault has its message, three examples and all cases") {
  const auto json = to_json(faults);
  REQUIRE(json.size() == 2);
  CHECK(json[0]["kind"] == "in_two_splits");
  CHECK(json[0]["message"] == "2 images, \"alike\"");
  CHECK(json[0]["paths"].size() == 3);
  CHECK(json[0]["cases"].size() == 2);
  CHECK(json[0]["cases"][0]["paths"] == std::vector<std::string>{"a/1.jpg", "a/2,3.jpg"});
  CHECK(json[1]["cases"][0]["detail"] == "1 image in val");
}
