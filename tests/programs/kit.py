"""What these tests share: a tiny network, drawn images, and a way to run a program."""

import copy
import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("TL_BIN", ROOT / "build" / "bin"))
PROGRAMS = ["tl-train", "tl-eval", "tl-predict", "tl-inspect"]
CLASSES = ["blue", "green", "red"]
SIZE = 32
TIMES = ("seconds", "images_per_second")
SANITIZED = "TL_SANITIZED" in os.environ  # by a build that is slow, and wants memory for itself
# Seconds from a signal to the end of a program.
PATIENCE = 60 if SANITIZED else 5


def without_privileges():
    """What makes root an ordinary user for whom permissions count, as the beginning of a command."""
    if os.geteuid() != 0:
        return []
    words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    able = shutil.which(words[0]) and subprocess.run([*words, "true"]).returncode == 0
    return words if able else []


WITHOUT_PRIVILEGES = without_privileges()
needs_permissions = pytest.mark.skipif(os.geteuid() == 0 and not WITHOUT_PRIVILEGES,
                                       reason="root may read and write everything")


def block(inputs, outputs, stride):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU())


class TinyNet(nn.Module):
    """Three layers of convolution and batch norm, and a classifier of four outputs."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(block(3, 8, 2), block(8, 16, 2), block(16, 16, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        return self.fc(self.pool(self.features(x)).flatten(1))


def tiny_network():
    torch.manual_seed(7)
    network = TinyNet()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # not the trivial 0 and 1
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def export(network, file, method="script", size=SIZE):
    """A TorchScript file, and beside it the JSON that says its input size."""
    if method == "script":
        module = torch.jit.script(network)
    else:
        module = torch.jit.trace(network, torch.rand(2, 3, size, size))
    torch.jit.save(module, str(file))
    file.with_suffix(".json").write_text(json.dumps({"input_size": size}))
    return file


def draw(file, class_name, seed):
    """Noise with a tinge of its class's colour."""
    file.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    height, width = random.integers(40, 80, 2)
    pixels = random.integers(0, 160, (height, width, 3))
    pixels[..., ["red", "green", "blue"].index(class_name)] += 60
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    return file


def draw_data(root, counts=(12, 12, 12), seed=0):
    for label, (name, count) in enumerate(zip(CLASSES, counts)):
        for i in range(count):
            suffix = "png" if i % 2 else "jpg"
            draw(root / name / f"{i:02}.{suffix}", name, 1000 * seed + 100 * label + i)
    return root


def base_config(data, backbone):
    return {
        "data": {"root": str(data), "val": 0.25, "test": 0.25, "workers": 1},
        "backbone": {"file": str(backbone), "freeze": "all"},
        "features": {"precision": "fp32"},  # exact, so that results can be compared
        "train": {"epochs": 4, "batch_size": 4, "seed": 3, "precision": "fp32",
                  "optimizer": {"name": "adam", "lr": 0.05}},
    }


def changed(config, **changes):
    """A copy where a__b=value replaces config["a"]["b"]."""
    config = copy.deepcopy(config)
    for path, value in changes.items():
        *parents, key = path.split("__")
        place = config
        for parent in parents:
            place = place.setdefault(parent, {})
        place[key] = value
    return config


def write_config(folder, config, name="experiment.json"):
    file = Path(folder) / name
    file.write_text(config if isinstance(config, str) else json.dumps(config, indent=2))
    return file


def command(program, *arguments, threads=1):
    return [*WITHOUT_PRIVILEGES, str(BIN / program), *map(str, arguments), "--threads",
            str(threads)]


def run(program, *arguments, cwd=None, code=0, threads=1):
    """Runs the program to its end; `code` is the exit code that it must have."""
    done = subprocess.run(command(program, *arguments, threads=threads), cwd=cwd,
                          capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def train(config_file, output, *arguments, **options):
    return run("tl-train", "--config", config_file, "--output", output, *arguments, **options)


def refused(done, *words):
    """The one form of an error, on stderr: what, where, and a hint or what is allowed."""
    assert done.stdout == ""
    assert "\nerror: " in "\n" + done.stderr, done.stderr
    assert "this is a defect" not in done.stderr
    assert "\n  hint:  " in done.stderr or "but must be " in done.stderr, done.stderr
    for word in words:
        assert str(word) in done.stderr, f"{word!r} is not in:\n{done.stderr}"


def refuse(folder, config, code, *words, arguments=()):
    """tl-train refuses the config before it has written anything."""
    file = config if hasattr(config, "exists") else write_config(folder, config)
    before = sorted(folder.rglob("*"))
    done = train(file, folder / "run", *arguments, code=code)
    refused(done, *words)
    assert sorted(folder.rglob("*")) == before
    return done


def read_csv(file):
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def metrics_of(run_folder, without=TIMES):
    """The epochs of metrics.jsonl, without what the clock decides."""
    epochs = [json.loads(line) for line in (run_folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in epoch.items() if key not in without} for epoch in epochs]


def tensors_of(file):
    """Every parameter and buffer of a TorchScript file, by name."""
    module = torch.jit.load(str(file))
    return {name: tensor.detach() for name, tensor in
            [*module.named_parameters(), *module.named_buffers()]}


def equal_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)


def same_run(one, other):
    assert metrics_of(one) == metrics_of(other)
    assert (one / "predictions.csv").read_bytes() == (other / "predictions.csv").read_bytes()
    weights, others = tensors_of(one / "model.pt"), tensors_of(other / "model.pt")
    assert weights.keys() == others.keys()
    assert all(equal_bits(weights[name], others[name]) for name in weights)
