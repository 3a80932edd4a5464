"""A network with random weights, the size of its images, and its TorchScript file."""

import argparse
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))
import backbones  # noqa: E402
from export_backbone import logits_only  # noqa: E402

backbones.import_torchvision()
from torchvision.ops import StochasticDepth  # noqa: E402

SIDES = (64, 96, 128, 160, 192, 224, 256)  # of the images; the least that a network takes
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def network_input(images):
    return (images.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD


def build(name):
    """In evaluation mode; `name` begins with torchvision/ or timm/."""
    args = argparse.Namespace(name=name, random=True, seed=1, weights=None, classes=None,
                              features=False)
    network, info = backbones.build(args)
    with torch.no_grad():
        enliven(network)
    return network, info["input_size"]


def enliven(network):
    """What starts as a constant hides what stands behind it: norms' statistics, layer scales near
    zero, zeros at the end of a branch. Dropout would make two runs differ."""
    for parameter in network.parameters():
        if parameter.numel() > 1 and parameter.min() == parameter.max():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.9, 1.1)
        if isinstance(module, (nn.modules.dropout._DropoutNd, StochasticDepth)):
            module.p = 0.0
        for rate in ("drop_prob", "drop_rate"):
            if isinstance(getattr(module, rate, None), float):
                setattr(module, rate, 0.0)


def smallest_side(network, native):
    """Throws what the network says of images of its own size."""
    native = native if isinstance(native, int) else max(native)
    for side in sorted({*(s for s in SIDES if s < native), native}):
        try:
            with torch.no_grad():
                network(torch.rand(2, 3, side, side))
            return side
        except Exception:  # each network has its own way to say so
            if side == native:
                raise
    raise AssertionError("the native size is the last")


def write(network, method, side, file):
    if method == "script":
        torch.jit.script(logits_only(network)).save(str(file))
    else:
        example = torch.rand(2, 3, side, side)
        torch.jit.trace(network, example, check_trace=False).save(str(file))
