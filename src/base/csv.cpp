#include "tl/base/csv.h"

namespace tl {
namespace {

std::string quoted_where_needed(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == field.npos) return field;
  std::string quoted = "\"";
  for (const char c : field)
    quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

// Takes a field off the front of `text`, up to the comma or the line's end.
std::string take_field(std::string_view& text) {
  std::string field;
  bool quoted = false;
  while (!text.empty()) {
    const char c = text.front();
    const bool escaped_quote = quoted && text.starts_with("\"\"");
    if (!quoted && (c == ',' || c == '\n' || text.starts_with("\r\n"))) break;
    if (c != '"' || escaped_quote) {
      field += c;
    } else {
      quoted = !quoted;
    }
    text.remove_prefix(escaped_quote ? 2 : 1);
  }
  return field;
}

}  // namespace

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields)
    line += quoted_where_needed(field) + ',';
  line.back() = '\n';
  return line;
}

CsvRecords parse_csv(std::string_view text) {
  CsvRecords records;
  while (!text.empty()) {
    auto& record = records.emplace_back();
    record.push_back(take_field(text));
    while (text.starts_with(',')) {
      text.remove_prefix(1);
      record.push_back(take_field(text));
    }
    if (!text.empty()) text.remove_prefix(text.front() == '\r' ? 2 : 1);
  }
  return records;
}

}  // namespace tl
