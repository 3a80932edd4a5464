"""Files that tl-train can't take as a backbone: exit code 4, and nothing is written."""

import pytest
import torch
from kit import base_config, changed, export, refuse, tiny_network, train, write_config
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


def grey_network():
    network = tiny_network()
    network.features[0][0] = nn.Conv2d(1, 8, 3, 2, 1, bias=False)
    return network


@pytest.mark.parametrize("network, words", [
    (TwoInputs(), ["takes no image batch", "one tensor, N x 3 x H x W"]),
    (Words(), ["fails on a batch of images"]),
    (grey_network(), ["fails on a batch of images", "conv2d"]),
    (Pair(), ["returns", "not one tensor", "logits"]),
], ids=["two_inputs", "words", "one_channel", "a_pair"])
def test_a_network_that_does_not_fit(tmp_path, data, network, words):
    file = export(network, tmp_path / "network.pt")
    refuse(tmp_path, base_config(data, file), 4, *words)


def test_a_network_for_another_size(tmp_path, data):
    network = nn.Sequential(tiny_network().features, nn.Flatten(), nn.Linear(16 * 8 * 8, 4)).eval()
    file = export(network, tmp_path / "network.pt", size=48)
    file_of_32 = base_config(data, file)
    refuse(tmp_path, file_of_32, 4, "fails on a batch of images", "backbone.input")
    train(write_config(tmp_path, changed(file_of_32, backbone__input={"input_size": 32})),
          tmp_path / "run")
