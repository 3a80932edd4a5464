#include "visit.h"

#include "model/slice.h"
#include "probe.h"
#include "tl/engine/inference.h"

#include <iostream>

namespace {

using nlohmann::json;
using tl::BatchNorm;
using tl::Precision;

constexpr int classes = 5;
constexpr double step_length = 0.01;  // of all weights together

class Visit {
 public:
  Visit(const std::string& data, std::string out) : out_(std::move(out)) {
    const c10::IValue tensors = read_pickle(data);
    images_ = read_tensor(tensors, "images");
    labels_ = read_tensor(tensors, "labels");
  }

  void run(const std::string& network) {
    try {
      all_stages(network);
    } catch (const std::exception& error) {
      facts_["refused"] = refusal(stage_, error);
    }
    write_pickle(out_, results_);
    std::cout << facts_.dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
  }

 private:
  void all_stages(const std::string& network) {
    stage_ = "load";
    tl::Model model = tl::Model::load(network, square(images_.size(1)));
    describe(model);
    stage_ = "run";
    results_.insert("output", tl::Classifier(model).logits(images_));
    stage_ = "head";
    attach_plain_head(model, classes, results_);
    whole_ = tl::Trainee(model, BatchNorm::frozen).logits(input(model), false);
    results_.insert("whole", whole_);
    cut(model);
    stage_ = "export";
    model.save(out_ + ".model.pt", R"({"input_size": )" + std::to_string(images_.size(1)) + "}");
    train(model);
  }

  at::Tensor input(const tl::Model& model) const {
    return tl::to_input(images_, model.info(), at::kCPU);
  }

  void describe(const tl::Model& model) {
    std::int64_t in_layers = 0;
    for (const tl::Layer& layer : model.layers())
      in_layers += layer.parameters;
    facts_["layers"] = model.layers().size();
    facts_["cuts"] = tl::network_of(model).analysis.cuts.size();
    facts_["parameters"] = model.totals().all;
    facts_["parameters_in_layers"] = in_layers;
    facts_["outputs"] = model.outputs();
    const bool has_classifier = !model.layers().empty() && model.layers().back().classifier;
    facts_["classifier"] = has_classifier ? model.layers().back().name : "";
  }

  void cut(tl::Model& model) {
    stage_ = "cut";
    const tl::FlatGraph& flat = tl::network_of(model).flat;
    const tl::Analysis& analysis = tl::network_of(model).analysis;
    const tl::Cut& place = analysis.cuts.at(analysis.cuts.size() / 2);
    {
      const at::NoGradGuard no_grad;
      const tl::Piece front(slice(flat, analysis.recording, flat.images(), place.value));
      const tl::Piece back(slice(flat, analysis.recording, place.value, flat.output()));
      facts_["differences"]["cut"] = difference(back.run(front.run(input(model))), whole_);
    }
    stage_ = "engine";
    model.freeze(static_cast<int>(model.layers().size() / 2));
    const tl::Prefix prefix(model, Precision::fp32);
    const tl::Trainee trainee(model, BatchNorm::frozen);
    facts_["differences"]["engine"] =
        difference(trainee.logits(prefix.features(images_), false), whole_);
  }

  void train(tl::Model& model) {
    model.freeze(tl::FreezeWord::none);
    step(model, "fp32", Precision::fp32);
    step(model, "bf16", Precision::bf16);
    stage_ = "after training";
    const at::NoGradGuard no_grad;
    results_.insert("after", tl::Trainee(model, BatchNorm::frozen).logits(input(model), false));
  }

  // Of gradient descent, against the whole gradient.
  void step(const tl::Model& model, const std::string& name, Precision precision) {
    stage_ = name;
    const tl::Trainee trainee(model, BatchNorm::frozen, precision);
    const at::Tensor logits = trainee.logits(input(model), true);
    results_.insert(name, logits.detach());
    const at::Tensor loss = at::cross_entropy_loss(logits, labels_);
    loss.backward();
    std::vector<at::Tensor> weights = trainee.head_parameters();
    for (const at::Tensor& weight : trainee.backbone_parameters())
      weights.push_back(weight);
    double squares = 0;
    for (const at::Tensor& weight : weights) {
      if (weight.grad().defined()) squares += std::pow(weight.grad().norm().item<double>(), 2);
    }
    const double norm = std::sqrt(squares);
    const at::NoGradGuard no_grad;
    for (at::Tensor& weight : weights) {
      if (weight.grad().defined()) weight.sub_(weight.grad(), step_length / norm);
      weight.mutable_grad() = at::Tensor();
    }
    facts_["steps"][name] = {{"loss", loss.item<double>()}, {"gradient", norm}};
  }

  std::string out_;
  at::Tensor images_;
  at::Tensor labels_;
  std::string stage_ = "read";
  at::Tensor whole_;  // logits of the new head
  TensorDict results_;
  json facts_ = {{"differences", json::object()}, {"steps", json::object()}};
};

}  // namespace

int visit(const std::string& network, const std::string& data, const std::string& out) {
  Visit(data, out).run(network);
  return 0;
}
