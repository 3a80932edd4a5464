// On real photos, where TL_REAL_DATA names a folder with them.
#include "data/scratch.h"
#include "open_dataset.h"
#include "tl/data/dataset.h"

#include <cstdlib>

namespace tl {
namespace {

std::filesystem::path real_data() {
  const char* folder = std::getenv("TL_REAL_DATA");
  if (!folder) WARN("skipped: TL_REAL_DATA is not set");
  return folder ? folder : "";
}

DataOptions options_for(const std::string& name) {
  DataOptions options;
  options.root = real_data() / name;
  return options;
}

}  // namespace

TEST_CASE("ants and bees: two classes, own splits, one GIF", "[real_data]") {
  if (real_data().empty()) return;
  const Dataset dataset = open_dataset(options_for("ants_bees"), 1, {2});
  CHECK(dataset.classes == std::vector<std::string>{"ants", "bees"});
  CHECK(dataset.has_own_splits);
  REQUIRE(dataset.skipped.size() == 1);
  CHECK(dataset.skipped[0].reason == "the file is a GIF, which is not supported");
  CHECK(dataset.samples.size() == 397);
}

TEST_CASE("five kinds of flowers and two kinds of chests are all readable", "[real_data]") {
  if (real_data().empty()) return;
  const Dataset flowers = open_dataset(options_for("flowers_small"), 1, {2});
  CHECK(flowers.skipped.empty());
  CHECK(flowers.class_counts(Split::train) == std::vector<std::int64_t>(5, 84));
  CHECK(flowers.class_counts(Split::test) == std::vector<std::int64_t>(5, 18));
  const Dataset chests = open_dataset(options_for("chest_xray_small"), 1, {2});
  CHECK(chests.skipped.empty());
  CHECK(chests.class_counts(Split::train) == std::vector<std::int64_t>(2, 104));
}

}  // namespace tl
