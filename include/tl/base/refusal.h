// An error whose way out is to ask for something else. The rooms say it in words, and a program
// with which of its flags.
#pragma once

#include "tl/base/error.h"

#include <utility>
#include <vector>

namespace tl {

enum class Remedy { resume, replace, output, data, split, classes, device };

class Refusal : public Error {
 public:
  // As Error's; `hint` says in words what `remedies` are.
  Refusal(ExitCode code, const std::string& what, std::string where, std::string hint,
          std::vector<Remedy> remedies)
      : Error(code, what, std::move(where), std::move(hint)), remedies_(std::move(remedies)) {}

  const std::vector<Remedy>& remedies() const { return remedies_; }

 private:
  std::vector<Remedy> remedies_;
};

}  // namespace tl
