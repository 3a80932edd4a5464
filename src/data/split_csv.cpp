#include "data/layout.h"
#include "tl/base/csv.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/hash.h"
#include "tl/base/plain_text.h"
#include "tl/base/text.h"
#include "tl/data/dataset.h"

#include <algorithm>
#include <set>

namespace tl {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void reject(const fs::path& file, std::size_t record, const std::string& what) {
  throw Error(ExitCode::data, what, str(file.string(), ", record ", record),
              "it is written when a training begins; train again to make it anew");
}

Split split_named(const std::string& wanted, const fs::path& file, std::size_t record) {
  for (const Split split : all_splits) {
    if (wanted == split_name(split)) return split;
  }
  reject(file, record, str("\"", wanted, "\" is no split; train, val and test are"));
}

// In a folder of that name, directly or within its class. Of train, val may have been drawn.
bool lies_in_its_split(const Sample& sample) {
  const std::string_view path = sample.path;
  const std::size_t first = path.find('/');
  const std::size_t second = first == path.npos ? first : path.find('/', first + 1);
  if (second == path.npos) return false;
  const auto outer = split_spelt(path.substr(0, first));
  const auto folder = outer ? outer : split_spelt(path.substr(first + 1, second - first - 1));
  return folder &&
         (*folder == sample.split || (*folder == Split::train && sample.split == Split::val));
}

}  // namespace

void write_split_csv(const Dataset& dataset, const fs::path& file) {
  std::string text = csv_line({"path", "class", "split"});
  for (const Sample& sample : dataset.samples) {
    text += csv_line({sample.path, dataset.classes[sample.label], split_name(sample.split)});
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
  const CsvRecords records = parse_csv(without_byte_order_mark(read_file(file, ExitCode::data)));
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
