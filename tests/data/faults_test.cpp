#include "tl/data/faults.h"

#include "data/scratch.h"

#include <chrono>

namespace tl {
namespace {

using test::has;
using test::Scratch;
using Names = std::vector<std::string>;

// Adds n images of 300 x 200 pixels with a content of their own.
void add(Dataset& dataset, int label, Split split, int n) {
  for (int i = 0; i < n; ++i) {
    const std::string path = std::string(split_name(split)) + "/" + dataset.classes[label] + "/" +
                             std::to_string(dataset.samples.size());
    dataset.samples.push_back({path, label, split, hash64(path), digest(path), 300, 200});
  }
}

// Of two classes, 40 images each to train and 10 in val and in test: nothing is wrong with it.
Dataset sound() {
  Dataset dataset;
  dataset.classes = {"cat", "dog"};
  for (const int label : {0, 1}) {
    add(dataset, label, Split::train, 40);
    add(dataset, label, Split::val, 10);
    add(dataset, label, Split::test, 10);
  }
  return dataset;
}

// Indices into sound(): the first image of each class and split.
constexpr std::size_t cat_train = 0, cat_val = 40, cat_test = 50, dog_train = 60;

void copy_content(Dataset& dataset, std::size_t from, std::size_t to) {
  dataset.samples[to].content = dataset.samples[from].content;
}

Names kinds(const Dataset& dataset, const std::optional<InputSpec>& input = InputSpec{}) {
  Names found;
  for (const Fault& fault : find_faults(dataset, input)) {
    CHECK(!fault.examples().empty());
    CHECK(fault.examples().size() <= 3);
    CHECK(has(fault.message, ": "));  // what to do
    CHECK(!has(fault.message, "\n"));
    found.push_back(fault.kind);
  }
  return found;
}

Fault only_fault(const Dataset& dataset) {
  const auto faults = find_faults(dataset, InputSpec{});
  REQUIRE(faults.size() == 1);
  return faults[0];
}

}  // namespace

TEST_CASE("a sound data set has no fault") {
  CHECK(kinds(sound()).empty());
}

TEST_CASE("an image in two splits is a fault, with one example of each") {
  Dataset dataset = sound();
  copy_content(dataset, cat_train, cat_val);
  copy_content(dataset, cat_train, cat_test);
  copy_content(dataset, cat_train + 1, cat_val + 1);
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "in_two_splits");
  CHECK(fault.message.starts_with("2 images are in more than one split"));
  const auto path = [&](std::size_t i) { return dataset.samples[i].path; };
  // Which of the two is the first follows from their digests.
  const Names three = {path(cat_train), path(cat_val), path(cat_test)};
  const Names two = {path(cat_train + 1), path(cat_val + 1)};
  CHECK((fault.examples() == three || fault.examples() == two));
}

TEST_CASE("an image in two classes is a fault") {
  Dataset dataset = sound();
  copy_content(dataset, cat_train + 3, dog_train + 5);
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "in_two_classes");
  CHECK(fault.message.starts_with("1 image is in more than one class"));
  CHECK(fault.examples() ==
        Names{dataset.samples[cat_train + 3].path, dataset.samples[dog_train + 5].path});
}

TEST_CASE("copies within a class and split are a fault where they are many") {
  Dataset dataset = sound();
  copy_content(dataset, cat_train, cat_train + 1);
  CHECK(kinds(dataset).empty());  // one of 120
  copy_content(dataset, cat_train, cat_train + 2);
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "repeated");
  CHECK(fault.message.starts_with("2 of 120 images repeat another one"));
  CHECK(fault.examples() == Names{"train/cat/0", "train/cat/1", "train/cat/2"});
}

TEST_CASE("samples of unknown content are not alike") {
  Dataset dataset = sound();
  for (Sample& sample : dataset.samples)
    sample.content = {};
  CHECK(kinds(dataset).empty());
}

TEST_CASE("a class that a split lacks is a fault, a split that is empty is none") {
  Dataset dataset = sound();
  std::erase_if(dataset.samples, [](const Sample& s) { return s.split == Split::test; });
  CHECK(kinds(dataset).empty());
  std::erase_if(dataset.samples,
                [](const Sample& s) { return s.split == Split::val && s.label == 1; });
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "absent_class");
  CHECK(has(fault.message, "1 class without an image in some split (dog)"));
  CHECK(fault.examples() == Names{"train/dog/60"});
}

TEST_CASE("a class too small to learn from or to be judged by is a fault") {
  Dataset dataset = sound();
  dataset.classes = {"cat", "dog", "eel", "fox", "gnu"};
  const auto add_class = [&](int label, int train, int val) {
    add(dataset, label, Split::train, train);
    add(dataset, label, Split::val, val);
    add(dataset, label, Split::test, 2);
  };
  add_class(2, 4, 2);  // just enough
  add_class(3, 10, 1);
  add_class(4, 3, 2);
  const auto faults = find_faults(dataset, std::nullopt);
  REQUIRE(faults.size() == 2);  // and imbalance
  CHECK(faults[0].kind == "few_images");
  CHECK(has(faults[0].message, "2 classes with fewer than 4 images"));
  CHECK(has(faults[0].message, "(fox, gnu)"));
  CHECK(faults[0].examples().size() == 2);
}

TEST_CASE("many classes are named by the first three") {
  Dataset dataset;
  for (int label = 0; label < 5; ++label) {
    dataset.classes.push_back(std::to_string(label));
    add(dataset, label, Split::train, 1);
  }
  const Fault fault = only_fault(dataset);
  CHECK(has(fault.message, "5 classes"));
  CHECK(has(fault.message, "(0, 1, 2, ...)"));
  CHECK(fault.examples() == Names{"train/0/0", "train/1/1", "train/2/2"});
}

TEST_CASE("a heavy imbalance of the training images is a fault") {
  Dataset dataset = sound();
  add(dataset, 0, Split::val, 1000);  // not trained on
  add(dataset, 0, Split::train, 359);
  CHECK(kinds(dataset).empty());  // 399 to 40
  add(dataset, 0, Split::train, 1);
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "imbalance");
  CHECK(has(fault.message, "from 40 training images (dog) to 400 (cat)"));
  CHECK(has(fault.message, "train.loss.class_weights"));
}

TEST_CASE("images far below the network's input are a fault") {
  Dataset dataset = sound();
  for (const std::size_t i : {cat_train, cat_val, dog_train})
    dataset.samples[i].height = 112;  // half of 224: not yet
  CHECK(kinds(dataset).empty());
  for (const std::size_t i : {cat_train, cat_val, dog_train})
    dataset.samples[i].height = 111;
  dataset.samples[cat_test].width = 30;
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "small_images");
  CHECK(fault.message.starts_with("4 of 120 images are "));
  CHECK(has(fault.message, "224 x 224 pixels, down to a shorter side of 30"));
  CHECK(fault.examples().size() == 3);

  CHECK(kinds(dataset, std::nullopt).empty());
  InputSpec small;
  small.height = small.width = 32;
  CHECK(kinds(dataset, small).empty());
}

TEST_CASE("images of unknown size are not small") {
  Dataset dataset = sound();
  for (Sample& sample : dataset.samples)
    sample.width = sample.height = 0;
  CHECK(kinds(dataset).empty());
}

TEST_CASE("faults come in their order, and an empty data set has none") {
  CHECK(find_faults(Dataset{}, InputSpec{}).empty());
  Dataset dataset = sound();
  for (std::size_t i = 1; i < 20; ++i)
    copy_content(dataset, 0, i);
  copy_content(dataset, 0, cat_val);
  copy_content(dataset, 0, dog_train);
  add(dataset, 0, Split::train, 400);
  dataset.samples[5].width = 1;
  CHECK(kinds(dataset) ==
        Names{"in_two_splits", "in_two_classes", "repeated", "imbalance", "small_images"});
}

TEST_CASE("every case of a fault is kept, whatever the examples are") {
  Dataset dataset = sound();
  for (std::size_t i = 0; i < 5; ++i)
    copy_content(dataset, cat_train + i, cat_val + i);
  copy_content(dataset, cat_train, cat_test);
  const Fault fault = only_fault(dataset);
  CHECK(fault.cases.size() == 5);
  CHECK(fault.examples().size() <= 3);
  const Scratch scratch;
  const auto file = scratch.folder() / "faults.csv";
  write_faults_csv(dataset, {fault}, file);
  std::string text;
  std::getline(std::ifstream(file), text, '\0');
  CHECK(text.starts_with("kind,case,path,class,split,detail,message\nin_two_splits,1,"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1 + 11);
  for (std::size_t i = 0; i < 5; ++i) {
    for (const std::size_t at : {cat_train + i, cat_val + i}) {
      const Sample& sample = dataset.samples[at];
      CHECK(has(text, "," + sample.path + ",cat," + split_name(sample.split) + ","));
    }
  }
}

TEST_CASE("class names that differ only in case, form or blanks are a fault") {
  Dataset dataset = sound();
  dataset.classes = {"cat", "Cat "};
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "similar_classes");
  CHECK(has(fault.message, "\"cat\" and \"Cat \" differ only in upper and lower case"));
}

TEST_CASE("a class folder without files is a fault") {
  Dataset dataset = sound();
  dataset.empty_folders = {"train/eel", "val/eel"};
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "empty_class");
  CHECK(has(fault.message, "2 class folders without any file (train/eel, val/eel)"));
}

TEST_CASE("JPEGs without an end mark are a fault") {
  Dataset dataset = sound();
  dataset.samples[3].lacks_end = true;
  const Fault fault = only_fault(dataset);
  CHECK(fault.kind == "no_end_mark");
  CHECK(fault.message.starts_with("1 JPEG lacks its end mark"));
  CHECK(fault.examples() == Names{dataset.samples[3].path});
}

TEST_CASE("what a class lacks is said of each") {
  Dataset dataset = sound();
  std::erase_if(dataset.samples,
                [](const Sample& s) { return s.split != Split::train && s.label == 1; });
  const Fault fault = only_fault(dataset);
  REQUIRE(fault.cases.size() == 1);
  CHECK(fault.cases[0].detail == "0 images in val, 0 images in test");
}

TEST_CASE("a large data set takes no quadratic time, all alike or all different") {
  for (const bool same : {true, false}) {
    Dataset dataset;
    dataset.classes = {"cat", "dog"};
    for (int label : {0, 1})
      add(dataset, label, Split::train, 200'000);
    if (same) {
      for (Sample& sample : dataset.samples)
        sample.content = dataset.samples[0].content;
    }
    const auto start = std::chrono::steady_clock::now();
    CHECK(kinds(dataset).empty() != same);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  }
}

}  // namespace tl
