#include "train/checkpoint_folder.h"

// clang-format off: this one has to come before catch.h
#include "train/small_run.h"
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "tl/base/files.h"

using namespace tl;

namespace {

// Checkpoints of a run that never was: they say at the end of which epoch they were written, and
// which was the best so far.
class Files {
 public:
  Files() : run_(folder_, FreezeWord::all), stages_(run_.make_stages()) { stages_.enter(0, 1); }

  std::string bytes(int epoch, int best) const {
    Position position;
    position.epoch = epoch + 1;
    for (int e = 1; e <= epoch; ++e)
      position.history.push_back({e, 1, 1, 1, 1, 1, 1, 1});
    position.best = static_cast<std::size_t>(best - 1);
    return encode_checkpoint(position, stages_.trained(), stages_.current().optimizer);
  }

  CheckpointFolder open() const { return CheckpointFolder(folder_.path()); }
  std::filesystem::path path(const std::string& name) const { return folder_ / (name + ".ckpt"); }
  void write(const std::string& name, int epoch, int best) const {
    write_file(path(name), bytes(epoch, best));
  }
  void damage(const std::string& name) const {
    const std::string whole = read_file(path(name), ExitCode::data);
    write_file(path(name), whole.substr(0, whole.size() / 2));
  }

  // The epoch behind which the newest stands.
  int newest() const { return open().newest()->position().epoch - 1; }

 private:
  TemporaryFolder folder_;
  Run run_;
  Stages stages_;
};

}  // namespace

TEST_CASE("where nothing was saved there is nothing to go on from") {
  CHECK_FALSE(Files().open().newest().has_value());
}

TEST_CASE("the checkpoint before the last one is kept, and used where the last one is not whole") {
  const Files files;
  CheckpointFolder folder = files.open();
  folder.save_best(files.bytes(1, 1));
  for (const int epoch : {1, 2, 3})
    folder.save_last(files.bytes(epoch, 1));
  CHECK(files.newest() == 3);
  files.damage("last");
  CHECK(files.newest() == 2);
  std::filesystem::remove(files.path("last"));  // as a kill between two renames leaves it
  CHECK(files.newest() == 2);
  files.damage("last.previous");
  CHECK(files.newest() == 1);  // best.ckpt
  CHECK(folder.at_end_of(1).position().epoch == 2);
}

TEST_CASE("where no checkpoint is whole the error says what to do") {
  const Files files;
  files.write("last", 1, 1);
  files.write("best", 1, 1);
  files.damage("last");
  files.damage("best");
  const Error error = error_of([&] { files.newest(); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(has(error.what(), "damaged"));
  CHECK(has(error.hint(), "from nothing"));
}

TEST_CASE("a newer format is refused though an older checkpoint is there") {
  const Files files;
  files.write("last.previous", 1, 1);
  files.write("best", 1, 1);
  write_file(files.path("last"), "tlckpt4\n...");
  CHECK(has(error_of([&] { files.newest(); }).what(), "newer version"));
}

TEST_CASE("a damaged checkpoint never takes the place of the whole one before it") {
  const Files files;
  files.write("best", 1, 1);
  files.write("last.previous", 2, 1);
  files.write("last", 3, 1);
  files.damage("last");
  CheckpointFolder folder = files.open();
  folder.newest();
  folder.save_last(files.bytes(3, 1));
  files.damage("last");
  CHECK(files.newest() == 2);
}

TEST_CASE("best.ckpt may be newer than the history knows") {
  const Files files;
  files.write("best.previous", 2, 2);
  files.write("best", 4, 4);  // and then the process was killed
  files.write("last", 3, 2);
  CHECK(files.newest() == 3);
  CHECK(files.open().at_end_of(2).position().epoch == 3);
}

TEST_CASE("a checkpoint whose best epoch is gone gives way to one that has its own") {
  const Files files;
  files.write("best.previous", 3, 3);
  files.write("best", 4, 4);
  files.write("last", 3, 2);
  CHECK(files.newest() == 4);
  files.damage("best");
  CHECK(files.newest() == 3);
}

TEST_CASE("a best epoch that last.ckpt alone has is kept when that is replaced") {
  const Files files;
  files.write("best", 2, 2);
  files.write("last", 3, 3);
  files.damage("best");
  CheckpointFolder folder = files.open();
  CHECK(folder.newest()->position().epoch == 4);
  for (const int epoch : {4, 5, 6})
    folder.save_last(files.bytes(epoch, 3));
  CHECK(folder.at_end_of(3).position().epoch == 4);
}

TEST_CASE("weights of a best epoch that is gone are never those of another") {
  const Files files;
  files.write("best", 4, 4);
  const Error error = error_of([&] { files.open().at_end_of(3); });
  CHECK(error.code() == ExitCode::failure);
  CHECK(has(error.hint(), "resume"));
}
