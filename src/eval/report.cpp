#include "tl/eval/report.h"

#include "eval/html.h"
#include "tl/base/files.h"
#include "tl/base/text.h"

#include <charconv>

namespace tl {
namespace {

// RFC 4180: a field with a separator, quote or line break is quoted, and its quotes are doubled.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

// The shortest digits that read back as the same float.
std::string shortest(float value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return {digits, end};
}

std::string confusion_csv(const Metrics& metrics) {
  std::string csv = "label";
  for (const ClassMetrics& c : metrics.classes)
    csv += ',' + csv_field(c.name);
  csv += '\n';
  for (std::size_t label = 0; label < metrics.classes.size(); ++label) {
    csv += csv_field(metrics.classes[label].name);
    for (const std::int64_t n : metrics.confusion[label])
      csv += ',' + std::to_string(n);
    csv += '\n';
  }
  return csv;
}

std::string predictions_csv(const std::vector<Prediction>& predictions,
                            const std::vector<std::string>& classes) {
  std::vector<std::string> names;
  std::string csv = "path,label,prediction,confidence";
  for (const std::string& name : classes) {
    names.push_back(csv_field(name));
    csv += ',' + csv_field("p_" + name);
  }
  csv += '\n';
  for (const Prediction& p : predictions) {
    const int predicted = predicted_class(p);
    csv += csv_field(p.path) + ',' + names[p.label] + ',' + names[predicted] + ',' +
           shortest(p.probabilities[predicted]);
    for (const float probability : p.probabilities)
      csv += ',' + shortest(probability);
    csv += '\n';
  }
  return csv;
}

}  // namespace

nlohmann::ordered_json metrics_to_json(const Metrics& metrics, const std::string& split) {
  nlohmann::ordered_json json = {
      {"split", split},
      {"n", metrics.n},
      {"top1", metrics.top1},
      {"top1_ci95", {metrics.top1_ci95.first, metrics.top1_ci95.second}},
      {"top5", metrics.top5},
      {"macro_f1", metrics.macro_f1},
      {"nll", metrics.nll},
      {"ece", metrics.ece},
      {"classes", nlohmann::ordered_json::array()},
  };
  for (const ClassMetrics& c : metrics.classes) {
    json["classes"].push_back({{"name", c.name},
                               {"precision", c.precision},
                               {"recall", c.recall},
                               {"f1", c.f1},
                               {"support", c.support}});
  }
  return json;
}

void write_report(const ReportInput& input, const Metrics& metrics,
                  const std::filesystem::path& folder) {
  make_writable_folder(folder);
  // A folder's name need not be UTF-8, but JSON must be.
  const std::string json = metrics_to_json(metrics, input.split)
                               .dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  write_file(folder / "confusion.csv", confusion_csv(metrics));
  write_file(folder / "predictions.csv", predictions_csv(input.predictions, input.classes));
  write_file(folder / "report.html", report_page(input, metrics));
  write_file(folder / "report.json", json + '\n');
}

}  // namespace tl
