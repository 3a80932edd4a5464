#include "run/config_changes.h"

#include "catch.h"
#include "error_of.h"

using namespace tl;
using nlohmann::ordered_json;

namespace {

// A resolved config with one key set.
ordered_json with(const char* key, const ordered_json& value) {
  ordered_json config = ordered_json::parse(R"({"data": {"root": "/a", "workers": 0},
    "train": {"epochs": 10, "seed": 1, "checkpoint_every": null}, "device": "auto"})");
  config[ordered_json::json_pointer(key)] = value;
  return config;
}

void go_on(const ordered_json& now) {
  check_changes(with("/device", "auto"), now, "run");
}

}  // namespace

TEST_CASE("what changes no result may change") {
  go_on(with("/device", "auto"));
  go_on(with("/device", "cpu"));
  go_on(with("/data/root", "/b"));
  go_on(with("/data/workers", 3));
  go_on(with("/train/checkpoint_every", {{"steps", 2}}));
}

TEST_CASE("another experiment is refused by its key") {
  const Error error = error_of([] { go_on(with("/train/seed", 2)); });
  CHECK(error.code() == ExitCode::usage);
  CHECK(has(error.what(), "another train.seed"));
  CHECK(has(error.hint(), "data.workers"));
  CHECK(has(error_of([] { go_on(with("/data/val", 0.1)); }).what(), "another data.val"));
}

TEST_CASE("epochs may become more") {
  go_on(with("/train/epochs", 30));
  CHECK(has(error_of([] { go_on(with("/train/epochs", 9)); }).what(), "another train.epochs"));
}
