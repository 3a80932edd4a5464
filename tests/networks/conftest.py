"""Networks of torchvision and timm with random weights, as TorchScript files and as eager modules."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import backbones  # noqa: E402

PROBE = Path(os.environ.get("TL_BIN", ROOT / "build" / "bin")) / "network_probe"


def build(name):
    """An eager network with random weights; batch-norm statistics are not the trivial 0 and 1."""
    torch.manual_seed(3)
    if name == "efficientnet_lite0":
        from efficientnet_lite_pytorch import EfficientNet
        network = EfficientNet.from_name("efficientnet-lite0", num_classes=1000)
    elif name.startswith("timm/"):
        backbones.import_torchvision()
        import timm
        network = timm.create_model(name[5:], pretrained=False)
    else:
        backbones.import_torchvision()
        import torchvision
        network = torchvision.models.get_model(name, weights=None)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.9, 1.1)
    return network.eval()


def to_torchscript(network, method, size):
    if method == "script":
        return torch.jit.script(network)
    return torch.jit.trace(network, torch.rand(2, 3, size, size))


def random_images(count, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8, generator=generator)


def normalised(images):
    """What the library makes of uint8 images where the file says nothing: ImageNet's convention."""
    x = images.permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return (x - mean) / std


def run_probe(*arguments):
    done = subprocess.run([str(PROBE), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def difference(a, b):
    """Largest difference, relative to the larger norm of the two."""
    scale = max(a.abs().max().item(), b.abs().max().item(), 1e-12)
    return (a - b).abs().max().item() / scale


@pytest.fixture(autouse=True)
def threads():
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(2, os.cpu_count()))
