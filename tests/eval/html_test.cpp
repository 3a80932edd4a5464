#include "eval/html.h"

#include "catch.h"
#include "temporary_folder.h"

#include <opencv2/imgcodecs.hpp>

using namespace tl;
namespace fs = std::filesystem;

namespace {

int occurrences(const std::string& text, const std::string& part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++n;
  return n;
}

bool has(const std::string& text, const std::string& part) {
  return occurrences(text, part) > 0;
}

// `per_class` images of each class; the last of each class is taken for the next one.
ReportInput input_with(int classes, int per_class) {
  ReportInput input;
  input.title = "run";
  input.split = "test";
  for (int c = 0; c < classes; ++c) {
    input.classes.push_back("class " + std::to_string(c));
    for (int i = 0; i < per_class; ++i) {
      Prediction p{"absent.jpg", c, std::vector<float>(classes)};
      p.probabilities[i + 1 < per_class ? c : (c + 1) % classes] = 1;
      input.predictions.push_back(p);
    }
  }
  return input;
}

std::string page_of(const ReportInput& input) {
  return report_page(input, compute_metrics(input.predictions, input.classes));
}

}  // namespace

TEST_CASE("the page shows the headline numbers") {
  const std::string page = page_of(input_with(2, 4));
  CHECK(has(page, "75.0 %"));     // 6 of 8
  CHECK(has(page, "40.9–92.9"));  // its Wilson interval
  CHECK(has(page, "test split"));
}

TEST_CASE("the page names the images that were judged") {
  ReportInput input = input_with(2, 4);
  input.split = "all";
  const std::string page = page_of(input);
  CHECK(has(page, "Evaluation on all images"));
  CHECK_FALSE(has(page, "all split"));
}

TEST_CASE("top-5 is shown where it says something") {
  CHECK_FALSE(has(page_of(input_with(5, 2)), "Top-5"));
  CHECK(has(page_of(input_with(6, 2)), "Top-5"));
}

TEST_CASE("long names and paths break behind slashes and underscores alone") {
  ReportInput input = input_with(2, 2);
  input.classes[0] = "Bellis_perennis";
  input.facts = {{"data", "a/long/path"}};
  const std::string page = page_of(input);
  CHECK(has(page, "<td>Bellis_<wbr>perennis</td>"));
  CHECK(has(page, "<td>Data</td><td>a/<wbr>long/<wbr>path</td>"));
  const std::string style = report_style;
  for (auto at = style.find("overflow-wrap:anywhere"); at != style.npos;
       at = style.find("overflow-wrap:anywhere", at + 1)) {
    const auto selector = style.rfind('\n', style.rfind('{', at)) + 1;  // of the rule it is in
    const bool of_paths = style.compare(selector, 9, ".facts td") == 0 || style[selector] == 'u';
    CHECK(of_paths);
  }
}

TEST_CASE("faults of the data are listed, a case a line") {
  ReportInput input = input_with(2, 2);
  CHECK_FALSE(has(page_of(input), "Faults of the data"));
  input.faults = {{{"kind", "in_two_splits"},
                   {"message", "2 images are in <more> than one split"},
                   {"cases",
                    {{{"paths", {"a.jpg", "b<i>.jpg"}}, {"detail", ""}},
                     {{"paths", {"c.jpg", "d.jpg"}}, {"detail", "alike"}}}}}};
  const std::string page = page_of(input);
  CHECK(has(page, "Faults of the data"));
  CHECK(has(page, "2 images are in &lt;more&gt; than one split"));
  CHECK(has(page, "<li>a.jpg, b&lt;i&gt;.jpg</li>"));
  CHECK(has(page, "<li>c.jpg, d.jpg: alike</li>"));
}

TEST_CASE("the page is one file without scripts and outside references") {
  ReportInput input = input_with(3, 3);
  input.history = {{1, 1, 0.5, 1, 0.5}, {2, 0.5, 0.8, 0.6, 0.7}};
  const std::string page = page_of(input);
  for (const char* outside :
       {"<script", "<link", "http:", "https:", "url(", "@import", "src=\"/"}) {
    CHECK_FALSE(has(page, outside));
  }
}

TEST_CASE("everything from outside is escaped") {
  ReportInput input = input_with(2, 2);
  input.title = "<i>title</i>";
  input.split = "<i>split</i>";
  input.classes = {"<i>\"rose\" & co</i>", "Gänseblümchen"};
  input.facts = {{"<i>key</i>", "<i>value</i>"}, {"sizes", {224, "<i>"}}};
  const std::string page = page_of(input);
  CHECK_FALSE(has(page, "<i>"));
  CHECK(has(page, "&lt;i&gt;title&lt;/i&gt;"));
  CHECK(has(page, "&lt;i&gt;split&lt;/i&gt;"));
  CHECK(has(page, "&lt;i&gt;&quot;rose&quot; &amp; co&lt;/i&gt;"));
  CHECK(has(page, "&lt;i&gt;key&lt;/i&gt;"));
  CHECK(has(page, "224, &lt;i&gt;"));
  CHECK(has(page, "Gänseblümchen"));
}

TEST_CASE("curves appear only when they are given") {
  ReportInput input = input_with(2, 2);
  CHECK_FALSE(has(page_of(input), "loss by epoch"));
  input.history = {{1, 1, 0.5, 1, 0.625}, {2, 0.5, 0.75, 0.6, 0.5}};
  const std::string page = page_of(input);
  CHECK(has(page, "loss by epoch"));
  CHECK(has(page, "highest 62.5 % in epoch 1"));
  input.history[1].val_accuracy = 0.625;  // of equals the one with the lower loss
  CHECK(has(page_of(input), "highest 62.5 % in epoch 2"));
  input.best_by = "train_loss";
  CHECK(has(page_of(input), "lowest 0.500 in epoch 2"));
}

TEST_CASE("a class that has no image shows no recall") {
  ReportInput input = input_with(2, 2);
  input.classes.emplace_back("absent");
  for (Prediction& p : input.predictions)
    p.probabilities.push_back(0);
  CHECK(occurrences(page_of(input), "<td class=\"score muted\">–</td>") == 3);
  CHECK(occurrences(page_of(input_with(2, 2)), "<td class=\"score muted\">–</td>") == 0);
}

TEST_CASE("the worst mistakes come first, and at most twelve") {
  const TemporaryFolder folder;
  cv::imwrite((folder / "image.png").string(), cv::Mat::zeros(8, 8, CV_8UC3));
  ReportInput input;
  input.classes = {"a", "b"};
  input.data_root = folder.path();
  for (int i = 0; i < 20; ++i) {
    const float wrong = 0.6F + 0.01F * static_cast<float>(i);
    input.predictions.push_back({i == 19 ? "absent.png" : "image.png", 0, {1 - wrong, wrong}});
  }
  input.predictions.push_back({"image.png", 0, {0.99F, 0.01F}});  // right
  const std::string page = page_of(input);

  CHECK(occurrences(page, "<figure>") == 12);
  // The most confident one, 79 %, can't be read.
  CHECK_FALSE(has(page, "79.0 % sure"));
  CHECK_FALSE(has(page, "99.0 % sure"));
  REQUIRE(has(page, "78.0 % sure"));
  CHECK(page.find("78.0 % sure") < page.find("77.0 % sure"));
  CHECK(has(page, "67.0 % sure"));
  CHECK_FALSE(has(page, "66.0 % sure"));
}

TEST_CASE("no mistakes, no facts: no empty sections") {
  ReportInput input = input_with(2, 2);
  for (Prediction& p : input.predictions) {
    p.probabilities.assign(2, 0);
    p.probabilities[p.label] = 1;
  }
  const std::string page = page_of(input);
  CHECK_FALSE(has(page, "Taken for"));
  CHECK_FALSE(has(page, "Worst mistakes"));
  CHECK_FALSE(has(page, "<h2>Run</h2>"));
}

TEST_CASE("many classes: the weakest are listed first") {
  ReportInput input = input_with(30, 2);
  // Class 17 is never found.
  for (Prediction& p : input.predictions) {
    p.probabilities.assign(30, 0);
    p.probabilities[p.label == 17 ? 3 : p.label] = 1;
  }
  const std::string page = page_of(input);
  const auto table = page.find("<h2>Classes</h2>");
  REQUIRE(table != std::string::npos);
  CHECK(page.find("<td>class 17</td>", table) < page.find("<td>class 0</td>", table));
}
