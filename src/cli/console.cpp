#include "cli/console.h"

#include "tl/base/json.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/run/device.h"
#include "tl/run/facts.h"

#include <algorithm>
#include <iomanip>
#include <iostream>

namespace tl {

void warn_of_skipped(const Dataset& dataset, const std::string& listed_in) {
  constexpr std::size_t most = 10;
  const auto& skipped = dataset.skipped;
  for (std::size_t i = 0; i < skipped.size(); ++i) {
    if (i == most && !listed_in.empty()) {
      log::warn(str("... and ", skipped.size() - i, " more (", listed_in, ")"));
      break;
    }
    log::warn("skipped " + printable(skipped[i].path) + ": " + skipped[i].reason);
  }
  const std::size_t all = skipped.size() + dataset.samples.size();
  if (!skipped.empty()) {
    log::warn(str("left out: ", thousands(std::ssize(skipped)), " of ",
                  count(static_cast<std::int64_t>(all), "file")));
  }
}

nlohmann::ordered_json skipped_json(const Dataset& dataset) {
  auto skipped = nlohmann::ordered_json::array();
  for (const Skipped& file : dataset.skipped)
    skipped.push_back({{"path", file.path}, {"reason", file.reason}});
  return skipped;
}

void warn_of_unended(const Dataset& dataset) {
  const auto& samples = dataset.samples;
  const auto n = std::count_if(samples.begin(), samples.end(),
                               [](const Sample& sample) { return sample.lacks_end; });
  if (n == 0) return;
  log::warn(count(n, "JPEG lacks its end mark and is", "JPEGs lack their end mark and are") +
            " used as they are");
}

std::string fault_text(const Fault& fault) {
  std::string text = fault.message;
  const auto examples = fault.examples();
  for (std::size_t i = 0; i < examples.size(); ++i)
    text += (i == 0 ? " (for example " : ", ") + examples[i];
  return printable(examples.empty() ? text : text + ")");
}

void warn_of_faults(const Dataset& dataset, const InputSpec& input) {
  for (const Fault& fault : find_faults(dataset, input))
    log::warn("data: " + fault_text(fault));
}

nlohmann::ordered_json totals_json(const Totals& totals) {
  return {{"all", totals.all}, {"trainable", totals.trainable}, {"frozen", totals.frozen}};
}

void print_json(const nlohmann::ordered_json& json) {
  std::cout << dumped(json) << "\n";
}

namespace {

// Columns as wide as their widest cell; numbers to the right.
class Table {
 public:
  explicit Table(std::vector<bool> right) : right_(std::move(right)) {}
  void add(std::vector<std::string> row) {
    std::transform(row.begin(), row.end(), row.begin(), printable);
    rows_.push_back(std::move(row));
  }

  std::string text(const std::string& indent = "  ") const {
    std::vector<std::size_t> width(right_.size(), 0);
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i)
        width[i] = std::max(width[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows_) {
      std::string line = indent;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string fill(width[i] - row[i].size(), ' ');
        if (i > 0) line += "  ";
        line += right_[i] ? fill + row[i] : row[i] + fill;
      }
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
  }

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

std::string images_in(const Dataset& dataset, Split split) {
  return thousands(static_cast<std::int64_t>(dataset.indices(split).size()));
}

std::string class_metrics_table(const Metrics& m) {
  std::vector<std::string> titles = {"class"};
  for (const auto& field : class_fields())
    titles.emplace_back(field.title);
  titles.emplace_back("images");
  std::vector<bool> right(titles.size(), true);
  right.front() = false;
  Table table(right);
  table.add(titles);
  for (const ClassMetrics& c : m.classes) {
    if (c.support == 0 && m.classes.size() > 50) continue;
    std::vector<std::string> row = {c.name};
    for (const auto& field : class_fields())
      row.push_back(fixed(field.of(c), 3));
    row.push_back(thousands(c.support));
    table.add(row);
  }
  return table.text();
}

}  // namespace

std::string class_table(const Dataset& dataset) {
  Table classes({false, true, true, true});
  classes.add({"class", "train", "val", "test"});
  const auto train = dataset.class_counts(Split::train);
  const auto val = dataset.class_counts(Split::val);
  const auto test = dataset.class_counts(Split::test);
  constexpr std::size_t most = 20;
  for (std::size_t i = 0; i < std::min(most, dataset.classes.size()); ++i) {
    classes.add({dataset.classes[i], thousands(train[i]), thousands(val[i]), thousands(test[i])});
  }
  if (dataset.classes.size() > most) classes.add({"...", "", "", ""});
  classes.add({str("all ", dataset.classes.size()), images_in(dataset, Split::train),
               images_in(dataset, Split::val), images_in(dataset, Split::test)});
  return classes.text();
}

std::string plan_text(const Prepared& prepared) {
  const Dataset& data = prepared.dataset;
  const Experiment& options = prepared.experiment.options;
  const Totals totals = prepared.model.totals();
  const InputSpec& input = prepared.model.info().input;
  Table what({false, false});
  what.add({"data", data.root.string()});
  what.add({"backbone", options.backbone.file.string()});
  what.add({"input", str(input.width, " x ", input.height, ", shorter side to ", input.resize)});
  what.add({"frozen", str(prepared.model.frozen_layers(), " of ", prepared.model.layers().size(),
                          " layers")});
  what.add({"parameters", str(thousands(totals.all), " in all, ", thousands(totals.trainable),
                              " trainable, ", thousands(totals.frozen), " frozen")});
  for (const auto& [name, text] : training_facts(options))
    what.add({name, text});
  what.add({"features", features_text(prepared)});
  what.add({"device", device_name(prepared.device)});
  what.add({"date", now_text()});
  return what.text() + "\n" + class_table(data);
}

std::string exact_fit_text(const ExactFit& fit) {
  const std::string how = fit.folds == 0   ? "without a choice"
                          : fit.folds == 1 ? "chosen on a tenth of them"
                                           : str("chosen by ", fit.folds, "-fold cross-validation");
  Table table({false, true, true, true, false});
  table.add({"inputs", "features", "penalty", "log loss", ""});
  for (const InputScore& score : fit.tried) {
    table.add({score.layers.size() == 1
                   ? score.layers[0]
                   : str(score.layers.size(), " depths from ", score.layers[0]),
               thousands(score.columns), str(std::setprecision(2), score.best.penalty),
               fit.folds == 0 ? "" : fixed(score.best.log_loss, 4),
               &score == &fit.tried[fit.chosen] ? "chosen" : ""});
  }
  return str("head fitted to ", count(fit.rows, "row"), " of ", count(fit.images, "image"), ", ",
             how, "\n", table.text());
}

std::string layer_table(const std::vector<Layer>& layers, const Totals& totals, int frozen) {
  Table table({true, false, false, false, true, false, false});
  table.add({"k", "layer", "kind", "output", "parameters", "cut", ""});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    std::string shape;
    for (const std::int64_t size : layer.output)
      shape += str(shape.empty() ? "" : " x ", size);
    const bool is_frozen = static_cast<int>(i) < frozen;
    table.add({std::to_string(i + 1), layer.name, layer.kind, shape, thousands(layer.parameters),
               layer.cut_after ? "yes" : "-",
               layer.classifier ? "classifier: the head replaces it"
               : is_frozen      ? "frozen"
                                : ""});
  }
  std::string text = table.text();
  text += str("\n  parameters: ", thousands(totals.all), " in all, ", thousands(totals.trainable),
              " trainable, ", thousands(totals.frozen), " frozen\n");
  return text;
}

std::string metrics_text(const Metrics& m, const std::string& split) {
  const auto [low, high] = m.top1_ci95;
  const std::string headline = str(split == "all" ? "all images" : split, ": accuracy ",
                                   fixed(m.top1, 4), " (95 % interval ", fixed(low, 3), " to ",
                                   fixed(high, 3), "), ", count(m.n, "image"), "\n");
  Table others({false, true});
  for (const auto& field : metric_fields()) {
    if (field.member != &Metrics::top1 && field.is_defined(m))
      others.add({field.title, fixed(field.of(m), 4)});
  }
  return str(headline, others.text(), "\n", class_metrics_table(m));
}

}  // namespace tl
