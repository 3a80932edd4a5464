#include "store/claim.h"

#include "tl/base/text.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace tl {
namespace {

namespace fs = std::filesystem;

constexpr auto lifetime = std::chrono::minutes(2);

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

class FileClaim : public Claim {
 public:
  explicit FileClaim(fs::path file) : file_(std::move(file)) {}
  FileClaim(const FileClaim&) = delete;
  FileClaim& operator=(const FileClaim&) = delete;
  ~FileClaim() override {
    std::error_code ignored;
    fs::remove(file_, ignored);
  }
  void renew() override {
    std::error_code ignored;
    fs::last_write_time(file_, fs::file_time_type::clock::now(), ignored);
  }

 private:
  fs::path file_;
};

enum class Made { yes, taken, impossible };

Made make(const fs::path& file) {
  std::error_code ignored;
  fs::create_directories(file.parent_path(), ignored);
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno == EEXIST ? Made::taken : Made::impossible;
  const std::string owner = str(::getpid(), ' ', host_name(), '\n');
  const ssize_t written = ::write(descriptor, owner.data(), owner.size());
  ::close(descriptor);
  return written == std::ssize(owner) ? Made::yes : Made::impossible;
}

bool owner_is_dead(const fs::path& file) {
  std::error_code gone;
  const auto age = fs::file_time_type::clock::now() - fs::last_write_time(file, gone);
  if (gone) return true;
  if (age > lifetime) return true;
  pid_t process = 0;
  std::string host;
  std::ifstream(file) >> process >> host;
  return host == host_name() && process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
}

}  // namespace

std::unique_ptr<Claim> claim_file(const fs::path& file) {
  Made made = make(file);
  if (made == Made::taken && owner_is_dead(file)) {
    std::error_code ignored;
    fs::remove(file, ignored);
    made = make(file);
  }
  if (made == Made::taken) return nullptr;
  return std::make_unique<FileClaim>(file);
}

}  // namespace tl
