#include "tl/base/csv.h"
#include "tl/base/files.h"
#include "tl/data/faults.h"

#include <map>
#include <string_view>

namespace tl {

void write_faults_csv(const Dataset& dataset, const std::vector<Fault>& faults,
                      const std::filesystem::path& file) {
  std::map<std::string_view, const Sample*> by_path;
  for (const Sample& sample : dataset.samples)
    by_path[sample.path] = &sample;
  std::string text = csv_line({"kind", "case", "path", "class", "split", "detail", "message"});
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

}  // namespace tl
