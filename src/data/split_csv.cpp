#include "tl/base/csv.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/hash.h"
#include "tl/base/text.h"
#include "tl/data/dataset.h"

#include <algorithm>
#include <set>

namespace tl {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void reject(const fs::path& file, std::size_t record, const std::string& what) {
  throw Error(ExitCode::data, what, str(file.string(), ", record ", record),
              "the file is written by tl-train; run it again to make it anew");
}

Split split_named(const std::string& wanted, const fs::path& file, std::size_t record) {
  for (const Split split : {Split::train, Split::val, Split::test}) {
    if (wanted == name(split)) return split;
  }
  reject(file, record, str("\"", wanted, "\" is no split; train, val and test are"));
}

bool lies_in_its_split(const Sample& sample) {
  return sample.path.starts_with(str(name(sample.split), "/"));
}

}  // namespace

void write_split_csv(const Dataset& dataset, const fs::path& file) {
  std::string text = csv_line({"path", "class", "split"});
  for (const Sample& sample : dataset.samples) {
    text += csv_line({sample.path, dataset.classes[sample.label], name(sample.split)});
  }
  write_file(file, text);
}

void write_skipped_csv(const Dataset& dataset, const fs::path& file) {
  std::string text = csv_line({"path", "reason"});
  for (const Skipped& skipped : dataset.skipped)
    text += csv_line({skipped.path, skipped.reason});
  write_file(file, text);
}

Dataset read_split_csv(const fs::path& file, const fs::path& root) {
  const CsvRecords records = parse_csv(read_file(file, ExitCode::data));
  const std::vector<std::string> header = {"path", "class", "split"};
  if (records.empty() || records[0] != header) reject(file, 1, "no header path,class,split");
  std::set<std::string> classes;
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (records[i].size() != header.size()) reject(file, i + 1, "three fields are expected");
    classes.insert(records[i][1]);
  }
  Dataset dataset;
  dataset.root = root;
  dataset.classes.assign(classes.begin(), classes.end());
  for (std::size_t i = 1; i < records.size(); ++i) {
    const std::string& path = records[i][0];
    const auto label = std::distance(classes.begin(), classes.find(records[i][1]));
    dataset.samples.push_back(
        {path, static_cast<int>(label), split_named(records[i][2], file, i + 1), hash64(path)});
  }
  dataset.has_own_splits =
      std::all_of(dataset.samples.begin(), dataset.samples.end(), lies_in_its_split);
  return dataset;
}

}  // namespace tl
