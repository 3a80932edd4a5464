// The one exception type of the project: what went wrong, where, and what to do about it.
#pragma once

#include <stdexcept>
#include <string>

namespace tl {

// What a program returns to the shell. Batch scripts rely on these numbers.
enum class ExitCode {
  ok = 0,
  defect = 1,        // a defect of ours
  usage = 2,         // command line or config
  data = 3,          // images and folders
  model = 4,         // the TorchScript file
  failure = 5,       // training that diverged, no memory, no disk
  interrupted = 75,  // stopped by a signal after saving
};

class Error : public std::runtime_error {
 public:
  // `where` names a file, a key or a place in the network; `hint` says what to do. Both may be
  // empty.
  Error(ExitCode code, const std::string& what, std::string where = {}, std::string hint = {});

  ExitCode code() const { return code_; }
  const std::string& where() const { return where_; }
  const std::string& hint() const { return hint_; }

  // "error: WHAT\n  where: WHERE\n  hint:  HINT", leaving out the parts that are empty.
  std::string report() const;

 private:
  ExitCode code_;
  std::string where_;
  std::string hint_;
};

// Ours or that of a library, some of which have no type for it.
bool is_out_of_memory(const std::exception& error);

}  // namespace tl
