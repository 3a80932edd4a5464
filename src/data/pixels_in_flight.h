// A limit on the memory of all images that are being worked on at one time.
#pragma once

#include <cstdint>

namespace tl {

// So many pixels of the process's budget, for as long as it lives: made when others have left room
// for them. The largest image that is taken has the budget to itself. A thread must hold no second
// one, or two threads could wait for each other.
class PixelsInFlight {
 public:
  explicit PixelsInFlight(std::uint64_t pixels);
  ~PixelsInFlight();
  PixelsInFlight(const PixelsInFlight&) = delete;
  PixelsInFlight& operator=(const PixelsInFlight&) = delete;

 private:
  std::uint64_t pixels_;
};

}  // namespace tl
