// tl-predict: classifies images.
#include "cli/console.h"
#include "cli/live.h"
#include "cli/program.h"
#include "tl/base/csv.h"
#include "tl/base/error.h"
#include "tl/base/log.h"
#include "tl/base/text.h"
#include "tl/run/classify.h"
#include "tl/run/device.h"
#include "tl/run/subject.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>
#include <numeric>

namespace tl {
namespace {

struct PredictCommand {
  std::string model;
  std::vector<std::string> images;
  std::string format = "table";
  std::string classes;
  std::string device = "auto";
  int top = 1;
  int batch_size = 32;

  void define(CLI::App& app);
  int run(const CommonOptions& common) const;
};

void PredictCommand::define(CLI::App& app) {
  app.add_option("MODEL", model, "A run folder, or a TorchScript classifier")->required();
  app.add_option("IMAGE_OR_FOLDER", images, "What to classify")->required();
  app.add_option("--top", top, "Classes to name for each image")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--format", format, "table, jsonl or csv")
      ->check(CLI::IsMember({"table", "jsonl", "csv"}))
      ->capture_default_str();
  app.add_option("--classes", classes, "Class names, one a line, for a classifier without them");
  app.add_option("--device", device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--batch-size", batch_size, "Images computed at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
}

struct Guess {
  std::string name;
  float confidence;
};

std::vector<Guess> best(const Prediction& prediction, const std::vector<std::string>& classes,
                        int top) {
  std::vector<std::size_t> order(classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto& p = prediction.probabilities;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  order.resize(std::min<std::size_t>(order.size(), static_cast<std::size_t>(top)));
  std::vector<Guess> guesses;
  for (const std::size_t i : order)
    guesses.push_back({classes[i], p[i]});
  return guesses;
}

nlohmann::ordered_json to_json(const std::string& path, const std::vector<Guess>& guesses) {
  auto predictions = nlohmann::ordered_json::array();
  for (const Guess& guess : guesses) {
    predictions.push_back({{"class", guess.name}, {"confidence", guess.confidence}});
  }
  return {{"path", path}, {"predictions", predictions}};
}

// A file that was left out, as the formats for programs list it.
nlohmann::ordered_json to_json(const Skipped& file) {
  return {{"path", file.path}, {"predictions", nlohmann::json::array()}, {"skipped", file.reason}};
}

void print(const std::string& format, const Skipped& file) {
  if (format == "jsonl") print_json(to_json(file));
  if (format == "csv") std::cout << csv_line({file.path, "", "", "", file.reason});
}

void print(const std::string& format, const std::string& path, const std::vector<Guess>& guesses) {
  if (format == "jsonl") {
    print_json(to_json(path, guesses));
    return;
  }
  for (std::size_t rank = 0; rank < guesses.size(); ++rank) {
    const auto& [name, confidence] = guesses[rank];
    if (format == "csv") {
      std::cout << csv_line({path, std::to_string(rank + 1), name, fixed(confidence, 6), ""});
    } else {
      std::cout << (rank == 0 ? printable(path) + "\n" : "") << "  " << fixed(confidence, 3) << "  "
                << printable(name) << "\n";
    }
  }
}

int PredictCommand::run(const CommonOptions& common) const {
  Subject subject = open_subject(model, classes);
  const c10::Device where = choose_device(device);
  subject.model.to(where);
  const Dataset dataset = open_images({images.begin(), images.end()}, {worker_count(0)});
  warn_of_skipped(dataset);
  warn_of_unended(dataset);
  if (dataset.samples.empty()) {
    throw Error(ExitCode::data, "there is no image to classify", images.front(),
                "give image files, or a folder that holds some");
  }
  const auto predictions = classify(Classifier(subject.model), *make_objective({}, dataset),
                                    dataset, dataset.indices(Split::test),
                                    {subject.model.info().input, batch_size, worker_count(0)},
                                    progress_bar("predicting", common.draws_progress()));
  auto all = nlohmann::ordered_json::array();
  if (format == "csv" && !common.json) std::cout << "path,rank,class,confidence,skipped\n";
  for (const Prediction& prediction : predictions) {
    const auto guesses = best(prediction, subject.classes, top);
    if (common.json) {
      all.push_back(to_json(prediction.path, guesses));
    } else {
      print(format, prediction.path, guesses);
    }
  }
  if (common.json) {
    print_json({{"images", all}, {"skipped", skipped_json(dataset)}});
    return 0;
  }
  for (const Skipped& file : dataset.skipped)
    print(format, file);
  return 0;
}

}  // namespace
}  // namespace tl

int main(int argc, char** argv) {
  tl::PredictCommand command;
  return tl::run_program(
      "Classifies images with a trained model.", argc, argv,
      [&](CLI::App& app) { command.define(app); },
      [&](const tl::CommonOptions& common) { return command.run(common); });
}
