"""Files that tl-train can't take as a backbone: exit code 4, and nothing is written."""

import json
import shutil

import pytest
import torch
from kit import (base_config, changed, export, needs_permissions, refuse, refused, run,
                 tiny_network, train, write_config)
from torch import nn


def test_a_missing_backbone(tmp_path, data):
    refuse(tmp_path, base_config(data, tmp_path / "absent.pt"), 4, "no such file",
           tmp_path / "absent.pt", "export_backbone")


def test_a_backbone_that_is_no_torchscript(tmp_path, data, backbone):
    file = tmp_path / "network.pt"
    config = base_config(data, file)
    file.write_text("this is no network\n")
    refuse(tmp_path, config, 4, "no TorchScript", file, "export")
    torch.save(tiny_network().state_dict(), file)
    refuse(tmp_path, config, 4, "no TorchScript", file, "state dict", "export")
    file.write_bytes(backbone.read_bytes()[:-2000])
    refuse(tmp_path, config, 4, "no TorchScript", file)
    file.write_bytes(b"")
    refuse(tmp_path, config, 4, "no TorchScript", file)


def test_broken_json_beside_the_backbone(tmp_path, data):
    file = export(tiny_network(), tmp_path / "tiny.pt")
    file.with_suffix(".json").write_text('{"input_size": ')
    refuse(tmp_path, base_config(data, file), 4, "no JSON", "tiny.json")
    file.with_suffix(".json").write_text('{"input_size": "large"}')
    refuse(tmp_path, base_config(data, file), 4, "input_size", '"large"', "tiny.json")


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = tiny_network()

    def forward(self, x, scale):
        return self.network(x) * scale


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = tiny_network()

    def forward(self, x: list[str]):
        return self.network(torch.zeros(len(x), 3, 32, 32))


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = tiny_network()

    def forward(self, x):
        y = self.network(x)
        return y, y + 1


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = tiny_network()

    def forward(self, x) -> dict[str, torch.Tensor]:
        return {"logits": self.network(x)}


class FlatImages(nn.Module):
    """Takes N x 3072."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3 * 32 * 32, 4)

    def forward(self, x):
        return self.linear(x)


class Gigantic(nn.Module):
    """A weight of 4 TB that takes four bytes in the file."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1).expand(10**6, 10**6), requires_grad=False)
        self.network = tiny_network()

    def forward(self, x):
        return self.network(x) + self.weight[0, 0]


class Bottomless(nn.Module):
    """Asks for 4 TB when it runs."""

    def __init__(self):
        super().__init__()
        self.network = tiny_network()

    def forward(self, x):
        return self.network(x) + torch.zeros(1000000, 1000000).sum()


class Writer(nn.Module):
    """Leaves a file behind when it runs."""

    def __init__(self, path):
        super().__init__()
        self.path = str(path)
        self.network = tiny_network()

    def forward(self, x):
        torch.save(x, self.path)
        return self.network(x)


class Double(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = tiny_network()

    def forward(self, x):
        return self.network(x).double()


def grey_network():
    network = tiny_network()
    network.features[0][0] = nn.Conv2d(1, 8, 3, 2, 1, bias=False)
    return network


@pytest.mark.parametrize("network, words", [
    (TwoInputs(), ["takes no image batch", "one tensor, N x 3 x H x W"]),
    (Words(), ["fails on a batch of images"]),
    (grey_network(), ["fails on a batch of images", "conv2d"]),
    (Pair(), ["returns", "not one tensor", "logits"]),
    (Named(), ["returns", "not one tensor", "logits"]),
    (FlatImages(), ["fails on a batch of images", "N x 3 x H x W"]),
], ids=["two_inputs", "words", "one_channel", "a_pair", "a_dict", "flat_images"])
def test_a_network_that_does_not_fit(tmp_path, data, network, words):
    file = export(network, tmp_path / "network.pt")
    refuse(tmp_path, base_config(data, file), 4, *words)
    refused(run("tl-inspect", file, code=4), *words)


def test_a_network_that_asks_for_more_memory_than_there_is(tmp_path, data):
    file = export(Bottomless(), tmp_path / "network.pt")
    refuse(tmp_path, base_config(data, file), 5, "out of memory", "smaller backbone")
    refused(run("tl-inspect", file, code=5), "out of memory")


def test_a_network_that_does_something_beside_computing(tmp_path, data):
    file = export(Writer(tmp_path / "trace"), tmp_path / "network.pt")
    refuse(tmp_path, base_config(data, file), 4, "beside computing", "aten::save")
    refused(run("tl-inspect", file, code=4), "beside computing")
    assert not (tmp_path / "trace").exists()


def test_a_gigantic_tensor(tmp_path, data):
    file = export(Gigantic(), tmp_path / "network.pt")
    refuse(tmp_path, base_config(data, file), 4, "weight", "memory", file)
    refused(run("tl-inspect", file, code=4), "weight", "memory", file)


def test_a_network_for_another_size(tmp_path, data):
    network = nn.Sequential(tiny_network().features, nn.Flatten(), nn.Linear(16 * 8 * 8, 4)).eval()
    file = export(network, tmp_path / "network.pt", size=48)
    file_of_32 = base_config(data, file)
    refuse(tmp_path, file_of_32, 4, "fails on a batch of images", "backbone.input")
    train(write_config(tmp_path, changed(file_of_32, backbone__input={"input_size": 32})),
          tmp_path / "run")


@needs_permissions
def test_a_backbone_that_can_not_be_reached(tmp_path, data, backbone):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    shutil.copy(backbone, hidden / "tiny.pt")
    hidden.chmod(0)
    try:
        done = train(write_config(tmp_path, base_config(data, hidden / "tiny.pt")),
                     tmp_path / "run", code=4)
        refused(done, "Permission denied", hidden / "tiny.pt")
    finally:
        hidden.chmod(0o700)


def test_a_name_too_long_for_a_file(tmp_path, data):
    refuse(tmp_path, base_config(data, tmp_path / ("n" * 300)), 4, "too long")
    refused(run("tl-eval", tmp_path / ("n" * 300), "--data", data, code=4), "too long")


def test_a_head_that_no_machine_can_hold(tmp_path, config):
    refuse(tmp_path, changed(config, head__hidden=[65536, 65536, 65536]), 2, "head.hidden",
           "billion parameters")


def test_an_input_given_in_part_repairs_what_the_file_says_wrong(tmp_path, data):
    file = export(tiny_network(), tmp_path / "tiny.pt")
    said = {"input_size": 32, "resize": 32, "interpolation": "bicubic", "mean": [0.5, 0.5]}
    file.with_suffix(".json").write_text(json.dumps(said))
    config = base_config(data, file)
    refuse(tmp_path, config, 4, "mean", "backbone.input")
    part = changed(config, backbone__input={"mean": [0.4, 0.5, 0.6]}, train__epochs=1)
    train(write_config(tmp_path, part), tmp_path / "run")
    resolved = json.loads((tmp_path / "run" / "config.json").read_text())["backbone"]["input"]
    assert resolved == {**said, "mean": [0.4, 0.5, 0.6], "std": [0.229, 0.224, 0.225]}
    train(write_config(tmp_path, part), tmp_path / "run", "--resume")


def test_frozen_random_weights_are_warned_of(tmp_path, data):
    file = export(tiny_network(), tmp_path / "tiny.pt")
    said = {"input_size": 32, "source": "tiny, random weights, seed 1"}
    file.with_suffix(".json").write_text(json.dumps(said))
    config = write_config(tmp_path, base_config(data, file))
    for freeze, warned in (('"all"', True), ("0", False)):
        done = train(config, tmp_path / "run", "--dry-run", "--set", f"backbone.freeze={freeze}")
        assert ("weights are random" in done.stderr) is warned
