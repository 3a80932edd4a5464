#include "eval/html.h"

#include "eval/markup.h"
#include "eval/plots.h"
#include "eval/thumbnail.h"
#include "tl/base/json.h"
#include "tl/base/text.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace tl {
namespace {

constexpr std::size_t most_mistakes = 12;
constexpr int thumbnail_side = 160;
constexpr std::size_t most_confusions = 8;
constexpr std::size_t most_cases = 200;       // of a fault; faults.csv has them all
constexpr std::size_t classes_in_order = 20;  // more are sorted, the weakest first

std::string section(const std::string& title, const std::string& explanation,
                    const std::string& content) {
  return str("<section><h2>", title, "</h2><p class=\"muted\">", explanation, "</p>", content,
             "</section>\n");
}

std::string number(const char* style, const std::string& name, const std::string& value,
                   const std::string& note) {
  return str("<div class=\"number ", style, "\"><span>", name, "</span><b>", value, "</b><span>",
             note, "</span></div>");
}

// Escaped; a long name or path may be broken behind a slash or an underscore.
std::string breakable(const std::string& text) {
  std::string html;
  for (const char c : escape(text)) {
    html += c;
    if (c == '/' || c == '_') html += "<wbr>";
  }
  return html;
}

std::string capitalised(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string note_of(const Field<Metrics>& field, const Metrics& m) {
  if (field.ci95 != nullptr) {
    const auto [low, high] = m.*field.ci95;
    return str("95 % CI ", fixed(100 * low, 1), "–", fixed(100 * high, 1));
  }
  const std::string note = field.note;
  if (field.better != Better::lower) return note;
  return note + (note.empty() ? "" : ", ") + "lower is better";
}

std::string headline(const Metrics& m) {
  std::string numbers;
  for (const auto& field : metric_fields()) {
    if (!field.is_defined(m)) continue;
    numbers += number(numbers.empty() ? "main" : "", capitalised(field.title), field.text(m),
                      note_of(field, m));
  }
  return "<div class=\"numbers\">" + numbers +
         number("", "Images", thousands(m.n),
                count(static_cast<std::int64_t>(m.classes.size()), "class", "classes")) +
         "</div>\n";
}

// The cells off the diagonal, the largest first.
std::string frequent_confusions(const Metrics& m) {
  struct Cell {
    std::size_t label, prediction;
    std::int64_t n;
  };
  std::vector<Cell> cells;
  for (std::size_t r = 0; r < m.confusion.size(); ++r) {
    for (std::size_t c = 0; c < m.confusion.size(); ++c) {
      if (r != c && m.confusion[r][c] > 0) cells.push_back({r, c, m.confusion[r][c]});
    }
  }
  if (cells.empty()) return {};
  std::stable_sort(cells.begin(), cells.end(),
                   [](const Cell& a, const Cell& b) { return a.n > b.n; });
  cells.resize(std::min(cells.size(), most_confusions));
  std::string rows;
  for (const Cell& cell : cells) {
    const ClassMetrics& label = m.classes[cell.label];
    rows += str(
        "<tr><td>", breakable(label.name), "</td><td>", breakable(m.classes[cell.prediction].name),
        "</td><td class=\"n\">", thousands(cell.n), "</td><td class=\"n\">",
        percent(static_cast<double>(cell.n) / static_cast<double>(label.support)), "</td></tr>");
  }
  return "<div class=\"scroll list\"><table><tr><th>Label</th><th>Taken for</th><th "
         "class=\"n\">Images</th>"
         "<th class=\"n\">Share</th></tr>" +
         rows + "</table></div>";
}

std::string confusion_section(const Metrics& m) {
  std::string explanation =
      "A row is a label, a column a prediction; the colour is the share of the row: "
      "<i class=\"key box\"></i>right, <i class=\"key box miss\"></i>wrong.";
  const int stride = confusion_label_stride(m.classes.size());
  if (stride > 1) {
    explanation += str(" One class in ", stride, " is named; hover over a cell for its numbers.");
  }
  return section("Confusion matrix", explanation,
                 "<div class=\"side\"><div class=\"scroll\">" + confusion_plot(m) + "</div>" +
                     frequent_confusions(m) + "</div>");
}

std::string score_cell(double score, bool defined) {
  if (!defined) return "<td class=\"score muted\">–</td>";
  return str("<td class=\"score\">", fixed(100 * score, 1),
             "<span class=\"bar\"><i style=\"width:", fixed(100 * score, 1),
             "%\"></i></span></td>");
}

std::string class_row(const ClassMetrics& c) {
  std::string row =
      str("<tr><td>", breakable(c.name), "</td><td class=\"n\">", thousands(c.support), "</td>");
  for (const auto& field : class_fields())
    row += score_cell(field.of(c), field.is_defined(c));
  return row + "</tr>\n";
}

std::string classes_section(const Metrics& m) {
  std::vector<ClassMetrics> order = m.classes;
  const bool sorted = order.size() > classes_in_order;
  if (sorted) {
    std::stable_sort(order.begin(), order.end(),
                     [](const ClassMetrics& a, const ClassMetrics& b) { return a.f1 < b.f1; });
  }
  std::string rows;
  for (const ClassMetrics& c : order)
    rows += class_row(c);
  std::string explanation = sorted ? "In percent, the lowest F1 first." : "In percent.";
  std::string titles;
  for (const auto& field : class_fields()) {
    explanation += str(' ', capitalised(field.title), ": ", field.note, '.');
    titles += str("<th>", capitalised(field.title), "</th>");
  }
  return section("Classes", explanation,
                 "<div class=\"scroll long\"><table><tr><th>Class</th><th class=\"n\">Images</th>" +
                     titles + "</tr>" + rows + "</table></div>");
}

// Where the best epoch was chosen by these curves: which it is.
std::string best_epoch_note(const Curves& curves, const ReportInput& input) {
  const Field<EpochMetrics>& by = epoch_field(input.best_by);
  if (&by != curves.train && &by != curves.val) return {};
  const EpochMetrics& best = input.history[best_epoch(input.history, by)];
  if (!std::isfinite(by.of(best))) return {};
  return str("; ", by.better == Better::lower ? "lowest " : "highest ", by.text(best), " in epoch ",
             best.epoch);
}

std::string curves_title(const Curves& curves) {
  std::string title = curves.name;
  std::replace(title.begin(), title.end(), '_', ' ');
  return capitalised(title) + (curves.form() == Form::share ? ", %" : "");
}

std::string charts(const ReportInput& input, const Metrics& m) {
  const std::string key = "<i class=\"key train\"></i>training, <i class=\"key\"></i>validation";
  std::string html = "<div class=\"charts\">\n";
  if (!input.history.empty()) {
    for (const Curves& curves : all_curves())
      html += section(curves_title(curves), key + best_epoch_note(curves, input),
                      curves_plot(curves, input.history));
  }
  html += section("Calibration",
                  "Accuracy at each confidence; the dashed line is perfect. Bars: share of images.",
                  reliability_plot(m));
  return html + "</div>\n";
}

std::string mistake_figure(const ReportInput& input, const Prediction& p, const std::string& uri) {
  return str("<figure><img alt=\"\" src=\"", uri, "\"><b>",
             breakable(input.classes[predicted_class(p)]), "</b><small>said, ",
             percent(confidence(p)), " sure; it is ", breakable(input.classes[p.label]),
             "</small><small class=\"file\">",
             escape(std::filesystem::path(p.path).filename().string()), "</small></figure>\n");
}

std::string mistakes_section(const ReportInput& input) {
  std::vector<const Prediction*> wrong;
  for (const Prediction& p : input.predictions) {
    if (predicted_class(p) != p.label) wrong.push_back(&p);
  }
  std::stable_sort(wrong.begin(), wrong.end(), [](const Prediction* a, const Prediction* b) {
    return confidence(*a) > confidence(*b);
  });
  std::string figures;
  std::size_t shown = 0;
  for (const Prediction* p : wrong) {
    if (shown == most_mistakes) break;
    const std::string uri = thumbnail_uri(input.data_root / p->path, thumbnail_side);
    if (uri.empty()) continue;
    figures += mistake_figure(input, *p, uri);
    ++shown;
  }
  if (shown == 0) return {};
  return section("Worst mistakes",
                 str("The most confident wrong answers of ",
                     thousands(static_cast<std::int64_t>(wrong.size())), " in all."),
                 "<div class=\"mistakes\">\n" + figures + "</div>");
}

std::string fault_case(const nlohmann::ordered_json& found) {
  std::string paths;
  for (const auto& path : found.at("paths"))
    paths += (paths.empty() ? "" : ", ") + breakable(path.get<std::string>());
  const std::string detail = escape(found.at("detail").get<std::string>());
  return str("<li>", paths, paths.empty() || detail.empty() ? "" : ": ", detail, "</li>\n");
}

std::string faults_section(const nlohmann::ordered_json& faults) {
  if (faults.empty()) return {};
  std::string list;
  for (const auto& fault : faults) {
    const auto& cases = fault.at("cases");
    list += str("<details><summary>", escape(fault.at("message").get<std::string>()),
                "</summary><ul>\n");
    for (std::size_t i = 0; i < std::min(cases.size(), most_cases); ++i)
      list += fault_case(cases[i]);
    if (cases.size() > most_cases)
      list += str("<li>", cases.size() - most_cases, " more in faults.csv</li>\n");
    list += "</ul></details>\n";
  }
  return section("Faults of the data", "What makes the score worse, or look better than it is.",
                 list);
}

std::string fact_text(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) {
    return dumped(value);
  }
  std::string list;
  for (const auto& item : value)
    list += (list.empty() ? "" : ", ") + fact_text(item);
  return list;
}

std::string facts_section(const nlohmann::ordered_json& facts) {
  if (facts.empty()) return {};
  std::string rows;
  for (const auto& [name, value] : facts.items()) {
    rows += str("<tr><td>", escape(capitalised(name)), "</td><td>", breakable(fact_text(value)),
                "</td></tr>\n");
  }
  return str("<section><h2>Run</h2><table class=\"facts\">", rows, "</table></section>\n");
}

}  // namespace

std::string report_page(const ReportInput& input, const Metrics& metrics) {
  const std::string title = escape(input.title);
  const std::string images =
      input.split == "all" ? "all images" : str("the ", escape(input.split), " split");
  return str("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n",
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
             title, " · evaluation</title>\n<style>", report_style,
             "</style></head>\n<body><main>\n", "<header><h1>", title,
             "</h1><p class=\"muted\">Evaluation on ", images, "</p></header>\n", headline(metrics),
             confusion_section(metrics), charts(input, metrics), classes_section(metrics),
             mistakes_section(input), faults_section(input.faults), facts_section(input.facts),
             "<footer>The same numbers for programs: report.json, confusion.csv, predictions.csv."
             "</footer>\n</main></body>\n</html>\n");
}

}  // namespace tl
