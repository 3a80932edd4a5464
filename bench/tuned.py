"""bench/tutorial.py's fine-tuning, tuned for the CPU as an expert would, and still PyTorch alone.

bf16 and channels-last; what is frozen has its norms folded, its weights in bf16 and no gradients;
the optimizer is fused and knows only what is trained; the workers live as long as the run, decode
no more of a JPEG than is needed and hand over bytes. scripts/bench sets the allocator from
outside. Prints one JSON object.
"""

import math
import tempfile
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.data import DataLoader
from tutorial import (
    TRANSFORMS, Image, datasets, evaluate, fit, is_readable_image, make_model, parse_arguments,
    print_result, transforms)

# The crop's smallest share of the image's side, by its smallest area and its ratio.
SMALLEST_SIDE = math.ceil(224 / math.sqrt(0.5 * 0.75))


def open_image(file):
    with Image.open(file) as image:
        image.draft("RGB", (SMALLEST_SIDE, SMALLEST_SIDE))
        return image.convert("RGB")


def without_floats(transform):
    """The tutorial's transform, but for its last two steps: bytes are a quarter as much to pass."""
    return transforms.Compose([*transform.transforms[:-2], transforms.PILToTensor()])


def make_loaders(args):
    loaders = {}
    for split, transform in TRANSFORMS.items():
        images = datasets.ImageFolder(args.data / split, without_floats(transform),
                                      loader=open_image, is_valid_file=is_readable_image)
        loaders[split] = DataLoader(images, batch_size=32, shuffle=split == "train",
                                    num_workers=args.threads, persistent_workers=True)
    return loaders


def fold_norms(module):
    """Puts each batch norm into the convolution that stands in front of it."""
    for (name, child), (next_name, following) in pairwise(list(module.named_children())):
        if isinstance(child, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child, following))
            setattr(module, next_name, nn.Identity())
    for child in module.children():
        fold_norms(child)


class Tuned(nn.Module):
    """EfficientNet-Lite0 in two parts: one that is frozen, one that is trained."""

    def __init__(self, model, work):
        super().__init__()
        layers = nn.Sequential(
            model._conv_stem, model._bn0, model._swish, *model._blocks,
            model._conv_head, model._bn1, model._swish, model._avg_pooling, nn.Flatten(),
            model._dropout, model._fc).eval().to(memory_format=torch.channels_last)
        tail = len(layers) - 7 - 3  # seven layers behind the blocks, and three blocks
        cut = {"head": len(layers) - 2, "tail": tail, "full": 0}[work]
        self.frozen, self.trained = layers[:cut].requires_grad_(False), layers[cut:]
        fold_norms(self.frozen)
        self.frozen.to(torch.bfloat16)

    @property
    def _dropout(self):
        return self.trained[-2]

    def forward(self, images):
        # Mean 127 and deviation 128: exact in bf16.
        pixels = images.to(torch.bfloat16, memory_format=torch.channels_last)
        with torch.no_grad():
            features = self.frozen((pixels - 127) / 128)
        with torch.autocast("cpu", torch.bfloat16):
            return self.trained(features).float()


def make_optimizer(model):
    backbone, head = model.trained[:-1].parameters(), model.trained[-1].parameters()
    return torch.optim.Adam([{"params": backbone, "lr": 1e-4}, {"params": head, "lr": 1e-3}],
                            fused=True)


def main():
    args = parse_arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    loaders = make_loaders(args)
    model = Tuned(make_model(len(loaders["train"].dataset.classes)), args.work)
    with tempfile.TemporaryDirectory() as folder:
        print_result(loaders, fit(model, loaders, make_optimizer(model), args.epochs,
                                  Path(folder) / "best.pt", torch.inference_mode()(evaluate)))


if __name__ == "__main__":
    main()
