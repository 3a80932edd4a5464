#include "tl/train/objective.h"

#include "train/softmax_objective.h"

// clang-format off: Torch has a CHECK of its own, and this one has to come before catch.h
#include <torch/torch.h>
#undef CHECK
// clang-format on

#include "catch.h"
#include "error_of.h"
#include "tl/data/dataset.h"

using namespace tl;

namespace {

// One image of class a, three of class b, in another order than that.
Dataset four_images() {
  Dataset dataset;
  dataset.classes = {"a", "b"};
  for (const int label : {1, 0, 1, 1})
    dataset.samples.push_back({"x", label, Split::train, 0});
  return dataset;
}

const auto logits = [] {
  return torch::tensor({{2.0, -1.0}, {0.5, 1.0}, {3.0, 0.0}}, torch::kFloat);
};
const auto labels = [] { return torch::tensor({0, 1, 1}, torch::kLong); };

// -log softmax of the class, image by image.
std::vector<double> losses(const at::Tensor& scores, const at::Tensor& classes) {
  std::vector<double> each;
  for (std::int64_t i = 0; i < classes.size(0); ++i) {
    const at::Tensor row = scores[i].to(torch::kDouble);
    each.push_back((row.exp().sum().log() - row[classes[i].item<std::int64_t>()]).item<double>());
  }
  return each;
}

}  // namespace

TEST_CASE("balanced class weights make every class count alike") {
  Dataset dataset;
  dataset.classes = {"a", "b"};
  for (int i = 0; i < 4; ++i)
    dataset.samples.push_back({"x", i == 0 ? 0 : 1, Split::train, 0});
  LossOptions loss;
  CHECK(class_weights(loss, dataset).empty());
  loss.class_weights = ClassWeighting::balanced;
  const auto weights = class_weights(loss, dataset);
  CHECK(weights[0] == Approx(2.0));
  CHECK(weights[1] == Approx(2.0 / 3));
}

TEST_CASE("given class weights must be one a class") {
  Dataset dataset;
  dataset.classes = {"a", "b"};
  LossOptions loss;
  loss.class_weights = std::vector<double>{1, 2};
  CHECK(class_weights(loss, dataset) == std::vector<double>{1, 2});
  loss.class_weights = std::vector<double>{1, 2, 3};
  CHECK(error_of([&] { class_weights(loss, dataset); }).code() == ExitCode::usage);
}

TEST_CASE("targets of samples are their class numbers, in the order asked for") {
  const auto objective = make_objective({}, four_images());
  CHECK(torch::equal(objective->targets({3, 1}), torch::tensor({1, 0}, torch::kLong)));
}

TEST_CASE("the plain loss is the sum of cross-entropies, whatever the options") {
  LossOptions options;
  options.label_smoothing = 0.3;
  options.class_weights = ClassWeighting::balanced;
  const auto each = losses(logits(), labels());
  const auto objective = make_objective(options, four_images());
  CHECK(objective->plain_loss(logits(), labels()) == Approx(each[0] + each[1] + each[2]));
}

TEST_CASE("the training loss is a mean, weighted by class") {
  const auto each = losses(logits(), labels());
  const auto loss = [](const LossOptions& options) {
    return make_objective(options, four_images())->loss(logits(), labels()).item<double>();
  };
  CHECK(loss({}) == Approx((each[0] + each[1] + each[2]) / 3));
  LossOptions options;
  options.class_weights = std::vector<double>{3, 1};
  CHECK(loss(options) == Approx((3 * each[0] + each[1] + each[2]) / 5));
  options = {};
  options.label_smoothing = 0.2;  // a tenth of each image's weight goes to the other class
  const auto others = losses(logits(), 1 - labels());
  CHECK(loss(options) ==
        Approx((0.9 * (each[0] + each[1] + each[2]) + 0.1 * (others[0] + others[1] + others[2])) /
               3));
}

TEST_CASE("the training loss has gradients") {
  const at::Tensor scores = logits().requires_grad_();
  make_objective({}, four_images())->loss(scores, labels()).backward();
  CHECK(scores.grad().defined());
}

TEST_CASE("hits and probabilities are those of the most probable class") {
  const auto objective = make_objective({}, four_images());
  CHECK(objective->hits(logits(), labels()) == 2);
  CHECK(torch::allclose(objective->probabilities(logits()), torch::softmax(logits(), 1)));
}

TEST_CASE("a wrong number of class weights is refused when the objective is made") {
  LossOptions options;
  options.class_weights = std::vector<double>{1, 2, 3};
  CHECK(error_of([&] { make_objective(options, four_images()); }).code() == ExitCode::usage);
}
