#include "tl/base/csv.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/text.h"
#include "tl/data/faults.h"

#include <map>
#include <string_view>

namespace tl {
namespace {

const std::vector<std::string> header = {"kind",  "case",   "path",   "class",
                                         "split", "detail", "message"};

}  // namespace

void write_faults_csv(const Dataset& dataset, const std::vector<Fault>& faults,
                      const std::filesystem::path& file) {
  std::map<std::string_view, const Sample*> by_path;
  for (const Sample& sample : dataset.samples)
    by_path[sample.path] = &sample;
  std::string text = csv_line(header);
  for (const Fault& fault : faults) {
    for (std::size_t i = 0; i < fault.cases.size(); ++i) {
      for (const std::string& path : fault.cases[i].paths) {
        const auto found = by_path.find(path);  // none: the folder of an empty class
        const Sample* sample = found == by_path.end() ? nullptr : found->second;
        text += csv_line(
            {fault.kind, std::to_string(i + 1), path, sample ? dataset.classes[sample->label] : "",
             sample ? split_name(sample->split) : "", fault.cases[i].detail, fault.message});
      }
    }
  }
  write_file(file, text);
}

std::vector<Fault> read_faults_csv(const std::filesystem::path& file) {
  const CsvRecords records = parse_csv(read_file(file, ExitCode::data));
  std::vector<Fault> faults;
  std::string number;  // of the last fault's last case
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    if (record.size() != header.size() || (i == 0 && record != header)) {
      throw Error(ExitCode::data, "this is no list of faults",
                  str(file.string(), ", record ", i + 1),
                  "it is written when a training begins; train again to make it anew");
    }
    if (i == 0) continue;
    const bool new_kind = faults.empty() || faults.back().kind != record[0];
    if (new_kind) faults.push_back({record[0], record[6], {}});
    auto& cases = faults.back().cases;
    if (new_kind || record[1] != number) cases.push_back({{}, record[5]});
    number = record[1];
    cases.back().paths.push_back(record[2]);
  }
  return faults;
}

}  // namespace tl
