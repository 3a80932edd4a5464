"""The names: all of torchvision's classifiers, and of timm's the smallest of each family."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))
import backbones  # noqa: E402

backbones.import_torchvision()
import timm  # noqa: E402, F401 - here, so that not each process imports it
from torchvision import models  # noqa: E402


def architectures():
    of_timm = (Path(__file__).parent / "timm.txt").read_text().split()
    return [*(f"timm/{name}" for name in of_timm),
            *(f"torchvision/{name}" for name in models.list_models(module=models))]
