// Runs the library on network files for the Python tests beside it, which hold the results against
// PyTorch's own.
//   network_probe cuts NETWORK IMAGES OUT     logits of prefix + trainee for several k
//   network_probe gradients NETWORK SPEC OUT  of one batch
//   network_probe train NETWORK SPEC OUT      losses of the real training loop
//   network_probe visit NETWORK DATA OUT      everything once, see visit.h
//   network_probe serve                       many small networks, see serve.h
#include "probe.h"
#include "serve.h"
#include "tl/data/dataset.h"
#include "tl/engine/inference.h"
#include "tl/train/trainer.h"
#include "visit.h"

#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

using c10::IValue;
using nlohmann::json;

int probe_cuts(const std::string& network, const std::string& images_file, const std::string& out) {
  const at::Tensor images = read_tensor(read_pickle(images_file), "images");
  tl::Model model = tl::Model::load(network, square(images.size(1)));
  json facts = {{"layers", model.layers().size()},
                {"classifier", model.layers().back().classifier},
                {"outputs", model.outputs()},
                {"parameters", model.totals().all}};
  TensorDict results;
  results.insert("logits", tl::Classifier(model).logits(images));
  model.attach_head({}, 5, 1);
  const int layers = static_cast<int>(model.layers().size());
  for (const int k : {0, 1, layers / 3, layers / 2, layers - 1, layers}) {
    model.freeze(k);
    const tl::Prefix prefix(model, tl::Precision::fp32);
    const tl::Trainee trainee(model, tl::BatchNorm::frozen);
    const at::Tensor logits = trainee.logits(prefix.features(images), false);
    results.insert("k" + std::to_string(k), logits);
    trainee.logits(prefix.features(images), true).sum().backward();
    for (const at::Tensor& parameter : trainee.backbone_parameters()) {
      if (!parameter.grad().defined()) facts["without_gradient"] = k;
    }
  }
  results.insert("whole", tl::Classifier(model).logits(images));
  model.save(out + ".model.pt", R"({"input_size": )" + std::to_string(images.size(1)) + "}");
  const tl::Model again = tl::Model::load(out + ".model.pt");
  results.insert("again", tl::Classifier(again).logits(images));
  facts["layers_again"] = again.layers().size();
  write_pickle(out, results);
  std::cout << facts.dump() << "\n";
  return 0;
}

// Hands out the rows of one tensor of images, batch after batch.
class FixedBatches : public tl::FeatureSource {
 public:
  FixedBatches(const PlainPrefix& prefix, at::Tensor images, at::Tensor labels, std::int64_t size)
      : prefix_(prefix), images_(std::move(images)), labels_(std::move(labels)), size_(size) {}
  std::size_t batches() const override { return static_cast<std::size_t>(images_.size(0) / size_); }
  void begin(int /*epoch*/, std::size_t first) override { next_ = first; }
  std::optional<tl::FeatureBatch> next() override {
    if (next_ == batches()) return std::nullopt;
    const auto start = static_cast<std::int64_t>(next_++) * size_;
    return tl::FeatureBatch{prefix_.features(images_.slice(0, start, start + size_)),
                            labels_.slice(0, start, start + size_)};
  }

 private:
  const PlainPrefix& prefix_;
  at::Tensor images_;
  at::Tensor labels_;
  std::int64_t size_;
  std::size_t next_ = 0;
};

// The loss of each step, from the means that the loop reports.
class LossRecorder : public tl::TrainObserver {
 public:
  void on_step(const tl::StepMetrics& m) override {
    const double sum = m.loss * static_cast<double>(m.step);
    losses.push_back(sum - sum_);
    sum_ = sum;
  }
  std::vector<double> losses;

 private:
  double sum_ = 0;
};

// What both training probes start from.
struct Spec {
  json options;
  at::Tensor images;
  at::Tensor labels;
  std::int64_t batch_size;
  tl::BatchNorm batch_norm;
  tl::Model model;
};

Spec read_spec(const std::string& network, const std::string& file, const std::string& out) {
  const json options = json::parse(tl::read_file(file, tl::ExitCode::usage));
  const IValue data = read_pickle(options.at("data"));
  const at::Tensor images = read_tensor(data, "images");
  tl::Model model = tl::Model::load(network, square(images.size(1)));
  attach_plain_head(model, 5);
  const int k = options.at("k");
  model.freeze(k < 0 ? static_cast<int>(model.layers().size()) : k);
  model.save(out + ".before.pt", "{}");
  return {options,
          images,
          read_tensor(data, "labels"),
          options.at("batch_size"),
          options.at("batch_norm") == "train" ? tl::BatchNorm::train : tl::BatchNorm::frozen,
          std::move(model)};
}

// Of the first batch, before any step, in training mode.
int probe_gradients(const std::string& network, const std::string& file, const std::string& out) {
  const Spec spec = read_spec(network, file, out);
  const PlainPrefix prefix(spec.model);
  const tl::Trainee trainee(spec.model, spec.batch_norm);
  const at::Tensor logits =
      trainee.logits(prefix.features(spec.images.slice(0, 0, spec.batch_size)), true);
  at::cross_entropy_loss(logits, spec.labels.slice(0, 0, spec.batch_size)).backward();
  TensorDict results;
  results.insert("logits", logits.detach());
  for (const auto& [name, tensor] : trainee.state()) {
    if (tensor.grad().defined()) results.insert("grad." + name, tensor.grad());
  }
  write_pickle(out, results);
  std::cout << json{{"frozen", frozen_tensors(spec.model)}}.dump() << "\n";
  return 0;
}

// One epoch of the real loop over the batches, in their order.
int probe_training(const std::string& network, const std::string& file, const std::string& out) {
  const Spec spec = read_spec(network, file, out);
  const PlainPrefix prefix(spec.model);
  const auto batches = [&](std::int64_t images) {
    return [&, images](const tl::Prefix&) {
      return std::make_unique<FixedBatches>(prefix, spec.images.slice(0, 0, images),
                                            spec.labels.slice(0, 0, images), spec.batch_size);
    };
  };
  tl::TrainOptions options;
  options.epochs = 1;
  if (spec.options.at("optimizer") == "sgd") options.optimizer.rule = tl::SgdOptions{};
  options.optimizer.lr = spec.options.at("lr");
  options.optimizer.backbone_lr = spec.options.at("backbone_lr").get<double>();
  const std::filesystem::path checkpoints = out + ".checkpoints";
  std::filesystem::create_directories(checkpoints);
  LossRecorder recorder;
  const auto objective = tl::make_objective(options.loss, tl::Dataset());
  tl::Stages stages({[&] {
    return std::make_unique<tl::Stage>(
        spec.model, tl::Prefix(spec.model, tl::Precision::fp32),
        tl::StageOptions{options.epochs, options.optimizer, options.schedule, spec.batch_norm},
        batches(spec.images.size(0)), batches(spec.batch_size));
  }});
  tl::train(options, {stages, *objective, checkpoints, false, {}}, recorder);
  spec.model.save(out + ".after.pt", "{}");
  std::cout << json{{"losses", recorder.losses}, {"frozen", frozen_tensors(spec.model)}}.dump()
            << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "serve") return serve();
  if (arguments.size() == 4 && arguments[0] == "cuts") {
    return probe_cuts(arguments[1], arguments[2], arguments[3]);
  }
  if (arguments.size() == 4 && arguments[0] == "visit") {
    return visit(arguments[1], arguments[2], arguments[3]);
  }
  if (arguments.size() == 4 && arguments[0] == "train") {
    return probe_training(arguments[1], arguments[2], arguments[3]);
  }
  if (arguments.size() == 4 && arguments[0] == "gradients") {
    return probe_gradients(arguments[1], arguments[2], arguments[3]);
  }
  std::cerr << "usage: network_probe cuts|visit|gradients|train NETWORK INPUT OUT, or serve\n";
  return 2;
} catch (const tl::Error& error) {
  std::cerr << error.report() << "\n";
  return static_cast<int>(error.code());
}
