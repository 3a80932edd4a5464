// Comma-separated values, quoted as RFC 4180 says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tl {

using CsvRecords = std::vector<std::vector<std::string>>;

// One record, with the line's end.
std::string csv_line(const std::vector<std::string>& fields);

// Records of fields; line ends may be \n or \r\n.
CsvRecords parse_csv(std::string_view text);

}  // namespace tl
