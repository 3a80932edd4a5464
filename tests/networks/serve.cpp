#include "serve.h"

#include "model/slice.h"
#include "probe.h"
#include "tl/engine/inference.h"

#include <iostream>

namespace {

using nlohmann::json;
using tl::BatchNorm;
using tl::Precision;

class Check {
 public:
  explicit Check(const json& spec) : spec_(spec) {
    const c10::IValue data = read_pickle(spec.at("images"));
    images_ = read_tensor(data, "images");
    direction_ = read_tensor(data, "direction");
  }

  json run() {
    try {
      all_stages();
    } catch (const std::exception& error) {
      facts_["refused"] = refusal(stage_, error);
    }
    write_pickle(spec_.at("out"), results_);
    return facts_;
  }

 private:
  void all_stages() {
    stage_ = "load";
    tl::Model model =
        tl::Model::load(spec_.at("network").get<std::string>(), square(images_.size(1)));
    stage_ = "run";
    const tl::Classifier classifier(model);
    results_.insert("output", classifier.logits(images_));
    results_.insert("alone", classifier.logits(images_.narrow(0, 0, 1)));
    facts_["classifier"] = model.layers().empty() ? false : model.layers().back().classifier;
    stage_ = "head";
    attach_plain_head(model, static_cast<int>(direction_.size(1)), results_);
    whole_ = tl::Trainee(model, BatchNorm::frozen).logits(input(model), false);
    results_.insert("whole", whole_);
    cut(model);
    save(model);
    train_in_bf16(model);
    train(model);  // last: it moves statistics
    stage_ = "done";
  }

  at::Tensor input(const tl::Model& model) const {
    return tl::to_input(images_, model.info(), at::kCPU);
  }

  void agree(const std::string& what, const at::Tensor& given) {
    facts_["differences"][what] = difference(given, whole_);
  }

  void cut(tl::Model& model) {
    const tl::FlatGraph& flat = tl::network_of(model).flat;
    const tl::Analysis& analysis = tl::network_of(model).analysis;
    const at::NoGradGuard no_grad;
    for (const tl::Cut& place : analysis.cuts) {
      stage_ = "cut " + std::to_string(place.position);
      const tl::Piece front(slice(flat, analysis.recording, flat.images(), place.value));
      const tl::Piece back(slice(flat, analysis.recording, place.value, flat.output()));
      agree(stage_, back.run(front.run(input(model))));
    }
    for (int k = 0; k <= static_cast<int>(model.layers().size()); ++k) {
      stage_ = "k " + std::to_string(k);
      model.freeze(k);
      agree(stage_, tl::Trainee(model, BatchNorm::frozen)
                        .logits(PlainPrefix(model).features(images_), false));
    }
    stage_ = "engine";
    model.freeze(tl::FreezeWord::all);
    const tl::Prefix prefix(model, Precision::fp32);
    agree(stage_, tl::Trainee(model, BatchNorm::frozen).logits(prefix.features(images_), false));
    facts_["cuts"] = analysis.cuts.size();
    facts_["layers"] = model.layers().size();
  }

  void save(const tl::Model& model) {
    stage_ = "save";
    const std::string file = spec_.at("out").get<std::string>() + ".model.pt";
    model.save(file, R"({"input_size": )" + std::to_string(images_.size(1)) + "}");
    stage_ = "load again";
    const tl::Model again = tl::Model::load(file);
    agree(stage_, tl::Classifier(again).logits(images_));
  }

  void train(tl::Model& model) {
    stage_ = "train";
    const int k = spec_.at("k").get<int>() % (static_cast<int>(model.layers().size()) + 1);
    model.freeze(k);
    const bool norms = spec_.at("batch_norm");
    const tl::Trainee trainee(model, norms ? BatchNorm::train : BatchNorm::frozen);
    const at::Tensor features = PlainPrefix(model).features(images_);
    const at::Tensor logits = trainee.logits(features, true);
    (logits * direction_).sum().backward();
    results_.insert("trained", logits.detach());
    for (const auto& [name, tensor] : trainee.state()) {
      if (tensor.grad().defined()) results_.insert("grad." + name, tensor.grad().clone());
      results_.insert("state." + name, tensor.detach().clone());
    }
    facts_["frozen"] = frozen_tensors(model);
    facts_["trained_k"] = k;
  }

  void train_in_bf16(tl::Model& model) {
    stage_ = "bf16";
    model.freeze(tl::FreezeWord::none);
    const tl::Trainee trainee(model, BatchNorm::frozen, Precision::bf16);
    const at::Tensor logits = trainee.logits(input(model), true);
    (logits * direction_).sum().backward();
    results_.insert("bf16", trainee.logits(input(model), false));
    for (const auto& [name, tensor] : trainee.state())
      tensor.mutable_grad() = at::Tensor();
    stage_ = "bf16 engine";
    model.freeze(tl::FreezeWord::all);
    const tl::Prefix prefix(model, Precision::bf16);
    const tl::Trainee head(model, BatchNorm::frozen);
    results_.insert("bf16_engine", head.logits(prefix.features(images_), false));
  }

  json spec_;
  at::Tensor images_;
  at::Tensor direction_;  // of the gradient, by the logits
  std::string stage_ = "read";
  at::Tensor whole_;
  TensorDict results_;
  json facts_ = {{"differences", json::object()}};
};

}  // namespace

int serve() {
  for (std::string line; std::getline(std::cin, line);)
    std::cout << Check(json::parse(line)).run().dump(-1, ' ', false, json::error_handler_t::replace)
              << std::endl;
  return 0;
}
