#include "run/run_split.h"

#include "tl/base/csv.h"
#include "tl/base/error.h"
#include "tl/base/files.h"

#include <algorithm>

namespace tl {

void write_contents_csv(const Dataset& dataset, const std::filesystem::path& file) {
  std::string text = csv_line({"path", "content"});
  for (const Sample& sample : dataset.samples)
    text += csv_line({sample.path, hexadecimal(sample.content)});
  write_file(file, text);
}

RunSplit::RunSplit(const RunFolder& run) {
  std::map<std::string, Split> by_path;
  for (const Sample& sample : read_split_csv(run.split(), {}).samples)
    by_path[sample.path] = sample.split;
  for (const auto& record : parse_csv(read_file(run.contents(), ExitCode::usage))) {
    const auto found = by_path.find(record[0]);
    if (record.size() == 2 && found != by_path.end()) splits_[record[1]].insert(*found);
  }
}

std::optional<Split> RunSplit::of(const Sample& sample) const {
  const auto copies = splits_.find(hexadecimal(sample.content));
  if (copies == splits_.end()) return std::nullopt;
  const auto same = copies->second.find(sample.path);
  if (same != copies->second.end()) return same->second;
  return std::min_element(copies->second.begin(), copies->second.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->second;
}

}  // namespace tl
