// Names the class of each image: classify RUN_OR_MODEL IMAGE...
#include <algorithm>
#include <iostream>
#include <tl/base/error.h>
#include <tl/run/classify.h>
#include <tl/run/subject.h>

int main(int argc, char** argv) try {
  if (argc < 3) return 2;
  const tl::Subject subject = tl::open_subject(argv[1], {});
  const tl::Dataset images = tl::open_images({argv + 2, argv + argc}, {});
  const auto predictions =
      tl::classify(tl::Classifier(subject.model), *tl::make_objective({}, images), images,
                   images.indices(tl::Split::test), {.input = subject.model.info().input});
  for (const auto& [path, label, p, nll] : predictions) {
    const auto best = std::max_element(p.begin(), p.end());
    std::cout << path << ": " << subject.classes[best - p.begin()] << ", " << *best << "\n";
  }
  for (const auto& [path, reason] : images.skipped)
    std::cerr << path << ": " << reason << "\n";
} catch (const tl::Error& error) {
  std::cerr << error.what() << ": " << error.where() << "\n";
  return static_cast<int>(error.code());
}
