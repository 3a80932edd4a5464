#include "store/claim.h"

#include "tl/base/text.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace tl {
namespace {

namespace fs = std::filesystem;

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// When the process began, which tells it from a later one of the same number; "" where there is
// none.
std::string start_of(pid_t process) {
  std::string text;
  std::getline(std::ifstream(str("/proc/", process, "/stat")), text);
  const std::size_t name_end = text.rfind(')');  // a program's name may hold anything
  if (name_end == text.npos) return "";
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i)  // see proc(5)
    fields >> field;
  return field;
}

std::string this_process() {
  return str(::getpid(), ' ', host_name(), ' ', start_of(::getpid()));
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
  const std::string owner = str(this_process(), '\n');
  const ssize_t written = ::write(descriptor, owner.data(), owner.size());
  ::close(descriptor);
  return written == std::ssize(owner) ? Made::yes : Made::impossible;
}

}  // namespace

bool is_held(const fs::path& file, std::chrono::minutes lifetime) {
  pid_t process = 0;
  std::string host;
  std::string start;
  if (std::ifstream(file) >> process >> host >> start && host == host_name()) {
    return start == start_of(process);
  }
  std::error_code gone;
  const auto age = fs::file_time_type::clock::now() - fs::last_write_time(file, gone);
  return !gone && age <= lifetime;
}

std::string name_of_process() {
  return hexadecimal(digest(this_process()));
}

std::unique_ptr<Claim> claim_file(const fs::path& file) {
  Made made = make(file);
  if (made == Made::taken && !is_held(file, std::chrono::minutes(2))) {
    std::error_code ignored;
    fs::remove(file, ignored);
    made = make(file);
  }
  if (made == Made::taken) return nullptr;
  return std::make_unique<FileClaim>(file);
}

}  // namespace tl
