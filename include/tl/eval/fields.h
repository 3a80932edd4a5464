// Tables of the numbers in a struct. Files, pages, curves and console iterate over them, so that a
// new number is its computation and one row.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tl {

// What a number is, and so how it is written for people.
enum class Form {
  share,       // 0.91666: "91.7 %"
  nats,        // 0.31249: "0.312"
  rate,        // a learning rate, 0.001: "1.00e-03"
  seconds,     // 83.2: "1:23"; from an hour on "1:02:03"
  throughput,  // 812.3: "812 images/s"
};
std::string written(double value, Form form);

// Which of two values is better. This is said in the tables alone.
enum class Better { higher, lower, neither };

template <typename Struct>
struct Field {
  const char* key;    // in files
  const char* title;  // for people
  double Struct::*member;
  Form form;
  Better better;
  const char* note = "";                                 // what it is, in a few words
  std::pair<double, double> Struct::*ci95 = nullptr;     // in files as KEY_ci95
  bool (*has_meaning)(const Struct& numbers) = nullptr;  // null: always

  double of(const Struct& numbers) const { return numbers.*member; }
  std::string text(const Struct& numbers) const { return written(of(numbers), form); }
  bool is_defined(const Struct& numbers) const {
    return has_meaning == nullptr || has_meaning(numbers);
  }
  // By how much `b` is better than `a`; below 0: it is worse.
  double gain(const Struct& a, const Struct& b) const { return gain(of(a), of(b)); }
  double gain(double a, double b) const { return better == Better::lower ? a - b : b - a; }
};

template <typename Struct>
using Fields = std::vector<Field<Struct>>;

// Null where there is none.
template <typename Struct>
const Field<Struct>* find_field(const Fields<Struct>& fields, std::string_view key) {
  for (const Field<Struct>& field : fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

}  // namespace tl
