"""model.pt: what of it is frozen to the bit, what PyTorch reads, and what can be built on it."""

import json

import numpy as np
import pytest
import torch
from kit import (CLASSES, SIZE, changed, draw_data, equal_bits, export, metrics_of, read_csv, run,
                 tensors_of, tiny_network, train, write_config)
from PIL import Image
from torch import nn

LAYERS = ["features.0", "features.1", "features.2"]  # each a convolution and its norm


def compare(model, backbone):
    """Of the tensors that both files have: which are the same to the bit, and which changed."""
    after, before = tensors_of(model), tensors_of(backbone)
    names = {name: name.removeprefix("backbone.") for name in after if name.startswith("backbone.")}
    assert names and all(name in before for name in names.values())
    same = {old for new, old in names.items() if equal_bits(after[new], before[old])}
    return same, set(names.values()) - same


def of_layer(names, layer):
    return {name for name in names if name.startswith(layer + ".")}


@pytest.mark.parametrize("freeze, k", [("none", 0), (1, 1), ("features.1", 2), ("all", 3)])
def test_frozen_layers_keep_every_bit_and_others_do_not(tmp_path, config, backbone, freeze, k):
    learning = changed(config, backbone__freeze=freeze, backbone__batch_norm="train",
                       train__optimizer__backbone_lr=0.01)
    train(write_config(tmp_path, learning), tmp_path / "run")
    same, other = compare(tmp_path / "run" / "model.pt", backbone)
    for i, layer in enumerate(LAYERS):
        tensors = of_layer(same | other, layer)
        assert len(tensors) == 5  # weights of the convolution; two of the norm, and two statistics
        assert tensors <= (same if i < k else other), layer


def test_norm_statistics_stay_where_batch_norm_is_frozen(tmp_path, config, backbone):
    learning = changed(config, backbone__freeze="none", backbone__batch_norm="frozen")
    train(write_config(tmp_path, learning), tmp_path / "run")
    same, other = compare(tmp_path / "run" / "model.pt", backbone)
    assert {name for name in same | other if "running_" in name} <= same
    assert {name for name in same | other if name.endswith("0.weight")} <= other


def test_scratch_draws_only_what_is_not_frozen(tmp_path, config, backbone):
    fresh = changed(config, backbone__freeze=1, backbone__init="scratch", train__epochs=1,
                    train__optimizer={"name": "sgd", "lr": 1e-12})  # nothing moves by learning
    train(write_config(tmp_path, fresh), tmp_path / "run")
    same, other = compare(tmp_path / "run" / "model.pt", backbone)
    assert of_layer(same, "features.0") == of_layer(same | other, "features.0")
    after = tensors_of(tmp_path / "run" / "model.pt")
    for layer in LAYERS[1:]:
        assert f"{layer}.0.weight" in other
        weight = after[f"backbone.{layer}.0.weight"]
        fan_out = weight[:, 0].numel()
        assert weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)  # He et al. 2015
        assert torch.equal(after[f"backbone.{layer}.1.running_var"], torch.ones(16))


def predict_with_torch(model, root, paths):
    """What plain PyTorch makes of the images, resized as the evaluation does where no resize is."""
    module = torch.jit.load(str(model)).eval()
    batch = [np.asarray(Image.open(root / path).convert("RGB")) for path in paths]
    images = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        return module(images)


def test_torch_reads_it_and_predicts_the_same(tmp_path, backbone, config):
    """Images of the network's own size, so that no resize stands between the two."""
    root = tmp_path / "squares"
    random = np.random.default_rng(5)
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for i in range(10):
            pixels = random.integers(0, 120, (SIZE, SIZE, 3))
            pixels[..., 2 - label] += 100
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{i}.png")
    learning = changed(config, data__root=str(root), backbone__freeze="none",
                       backbone__input={"input_size": SIZE, "resize": SIZE}, augment__crop=None)
    train(write_config(tmp_path, learning), tmp_path / "run")
    rows = read_csv(tmp_path / "run" / "predictions.csv")
    assert len({row["prediction"] for row in rows}) > 1
    logits = predict_with_torch(tmp_path / "run" / "model.pt", root, [row["path"] for row in rows])
    assert logits.shape == (len(rows), 3)
    assert [CLASSES[i] for i in logits.argmax(1)] == [row["prediction"] for row in rows]
    confidence = [float(row["confidence"]) for row in rows]
    assert logits.softmax(1).amax(1).tolist() == pytest.approx(confidence, abs=1e-5)


def test_it_takes_any_batch_and_nothing_of_ours(finished):
    module = torch.jit.load(str(finished[0] / "model.pt"))
    images = torch.rand(5, 3, SIZE, SIZE)
    whole = module(images)
    assert whole.shape == (5, 3) and whole.dtype == torch.float32
    assert torch.allclose(module(images[:1]), whole[:1], atol=1e-5)


def test_model_json(finished, backbone):
    extra = {"tl/model.json": ""}
    torch.jit.load(str(finished[0] / "model.pt"), _extra_files=extra)
    metadata = json.loads(extra["tl/model.json"])
    assert {"classes", "input_size", "resize", "interpolation", "mean", "std", "backbone", "freeze",
            "metrics", "version"} <= metadata.keys()
    assert metadata["classes"] == CLASSES and metadata["input_size"] == SIZE
    assert metadata["mean"] == [0.485, 0.456, 0.406] and metadata["freeze"] == 3
    assert metadata["backbone"] == backbone.name
    best = metadata["metrics"]
    assert metrics_of(finished[0])[best["epoch"] - 1]["val_accuracy"] == best["val_accuracy"]


@pytest.mark.parametrize("hidden", [[], [8]], ids=["linear", "hidden"])
def test_it_serves_as_a_backbone(tmp_path, config, hidden):
    """Three generations: names, input and frozen weights are handed down."""
    first, second = tmp_path / "first", tmp_path / "second"
    train(write_config(tmp_path, changed(config, head__hidden=hidden)), first)
    other = draw_data(tmp_path / "data", counts=(10, 10, 0), seed=9)
    below = changed(config, data__root=str(other), backbone__file=str(first / "model.pt"))
    done = train(write_config(tmp_path, below), second)
    assert "warn" not in done.stderr
    before, after = tensors_of(first / "model.pt"), tensors_of(second / "model.pt")
    inherited = [name for name in before if name.startswith("backbone.")]
    assert all(equal_bits(before[name], after[name]) for name in inherited)
    assert after["head.0.weight"].shape[0] == 2
    probe = json.loads(run("tl-inspect", second / "model.pt", "--json").stdout)
    assert probe["input"]["input_size"] == SIZE and probe["classes"] == ["blue", "green"]


def test_input_is_assumed_with_a_warning(tmp_path, config):
    """Without a JSON file beside it: ImageNet's 224 pixels."""
    file = export(tiny_network(), tmp_path / "bare.pt")
    file.with_suffix(".json").unlink()
    done = train(write_config(tmp_path, changed(config, backbone__file=str(file), train__epochs=1)),
                 tmp_path / "run")
    warning = "does not say how it wants its images"
    assert f"warn  the model file {warning}" in done.stderr and "224 x 224" in done.stderr
    said = changed(config, backbone__file=str(file), train__epochs=1,
                   backbone__input={"input_size": [32, 48]})
    done = train(write_config(tmp_path, said), tmp_path / "other")
    assert warning not in done.stderr and "48 x 32" in done.stderr


def test_traced_and_scripted_files_train_alike(tmp_path, config):
    accuracy = {}
    for method in ("script", "trace"):
        file = export(tiny_network(), tmp_path / f"{method}.pt", method)
        folder = tmp_path / method
        train(write_config(tmp_path, changed(config, backbone__file=str(file))), folder)
        accuracy[method] = [epoch["train_loss"] for epoch in metrics_of(folder)]
    assert accuracy["script"] == pytest.approx(accuracy["trace"], rel=1e-4)


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = tiny_network().features

    def forward(self, x):
        return self.features(x)


@pytest.mark.parametrize("pool, inputs", [("auto", 16), ("avg", 16), ("max", 16),
                                          ("flatten", 1024)])
def test_a_network_without_a_top(tmp_path, config, pool, inputs):
    file = export(Features(), tmp_path / "features.pt")
    headed = changed(config, backbone__file=str(file), head__pool=pool, train__epochs=1)
    train(write_config(tmp_path, headed), tmp_path / "run")
    assert tensors_of(tmp_path / "run" / "model.pt")["head.0.weight"].shape == (3, inputs)
