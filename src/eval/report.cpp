#include "tl/eval/report.h"

#include "eval/html.h"
#include "tl/base/csv.h"
#include "tl/base/files.h"
#include "tl/base/json.h"
#include "tl/base/text.h"

namespace tl {
namespace {

std::string confusion_csv(const Metrics& metrics) {
  std::vector<std::string> header = {"label"};
  for (const ClassMetrics& c : metrics.classes)
    header.push_back(c.name);
  std::string csv = csv_line(header);
  for (std::size_t label = 0; label < metrics.classes.size(); ++label) {
    std::vector<std::string> row = {metrics.classes[label].name};
    for (const std::int64_t n : metrics.confusion[label])
      row.push_back(std::to_string(n));
    csv += csv_line(row);
  }
  return csv;
}

std::string predictions_csv(const std::vector<Prediction>& predictions,
                            const std::vector<std::string>& classes) {
  std::vector<std::string> header = {"path", "label", "prediction", "confidence"};
  for (const std::string& name : classes)
    header.push_back("p_" + name);
  std::string csv = csv_line(header);
  for (const Prediction& p : predictions) {
    std::vector<std::string> row = {p.path, classes[p.label], classes[predicted_class(p)],
                                    shortest(p.probabilities[predicted_class(p)])};
    for (const float probability : p.probabilities)
      row.push_back(shortest(probability));
    csv += csv_line(row);
  }
  return csv;
}

template <typename Struct>
void add_fields(nlohmann::ordered_json& json, const Struct& numbers, const Fields<Struct>& fields) {
  for (const auto& field : fields) {
    json[field.key] = field.of(numbers);
    if (field.ci95 == nullptr) continue;
    const auto& [low, high] = numbers.*field.ci95;
    json[str(field.key, "_ci95")] = {low, high};
  }
}

}  // namespace

nlohmann::ordered_json metrics_to_json(const Metrics& metrics, const std::string& split) {
  nlohmann::ordered_json json = {{"split", split}, {"n", metrics.n}};
  add_fields(json, metrics, metric_fields());
  json["classes"] = nlohmann::ordered_json::array();
  for (const ClassMetrics& c : metrics.classes) {
    nlohmann::ordered_json& entry = json["classes"].emplace_back();
    entry["name"] = c.name;
    add_fields(entry, c, class_fields());
    entry["support"] = c.support;
  }
  return json;
}

void write_report(const ReportInput& input, const Metrics& metrics,
                  const std::filesystem::path& folder) {
  make_writable_folder(folder);
  auto json = metrics_to_json(metrics, input.split);
  if (!input.faults.is_null()) json["faults"] = input.faults;
  if (!input.facts.empty()) json["run"] = input.facts;
  write_file(folder / "confusion.csv", confusion_csv(metrics));
  write_file(folder / "predictions.csv", predictions_csv(input.predictions, input.classes));
  write_file(folder / "report.html", report_page(input, metrics));
  write_file(folder / "report.json", dumped(json, 2) + '\n');
}

}  // namespace tl
