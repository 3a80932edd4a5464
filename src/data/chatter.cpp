#include "data/chatter.h"

#include <iostream>
#include <mutex>
#include <streambuf>

namespace tl {
namespace {

thread_local std::string* kept = nullptr;

// Stands in front of std::cerr's own buffer.
class Switch : public std::streambuf {
 public:
  explicit Switch(std::streambuf* outer) : outer_(outer) {}

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    if (kept == nullptr) return outer_->sputc(traits_type::to_char_type(c));
    kept->push_back(traits_type::to_char_type(c));
    return c;
  }
  std::streamsize xsputn(const char* text, std::streamsize n) override {
    if (kept == nullptr) return outer_->sputn(text, n);
    kept->append(text, static_cast<std::size_t>(n));
    return n;
  }
  int sync() override { return kept == nullptr ? outer_->pubsync() : 0; }

 private:
  std::streambuf* outer_;
};

}  // namespace

Chatter::Chatter() {
  static std::once_flag once;
  // Never taken down: std::cerr is written to until the process is gone.
  std::call_once(once, [] { std::cerr.rdbuf(new Switch(std::cerr.rdbuf())); });
  kept = &text_;
}

Chatter::~Chatter() {
  kept = nullptr;
}

}  // namespace tl
