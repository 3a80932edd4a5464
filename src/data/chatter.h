// What OpenCV writes to stderr while it decodes.
#pragma once

#include <string>

namespace tl {

// While one of these lives, what the thread that made it writes to std::cerr is kept here; what
// other threads write goes where it always went.
class Chatter {
 public:
  Chatter();
  ~Chatter();
  Chatter(const Chatter&) = delete;
  Chatter& operator=(const Chatter&) = delete;

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace tl
