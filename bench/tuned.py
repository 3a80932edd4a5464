"""bench/tutorial.py's fine-tuning as an expert tunes it for the CPU, and still PyTorch alone.

bf16 by autocast, channels-last memory, a fused optimizer that knows only what is trained, workers
that live as long as the run; scripts/bench sets the allocator from outside. Prints one JSON object.
"""

import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from tutorial import (
    evaluate, fit, make_loaders, make_model, make_optimizer, parse_arguments, print_result)


class Tuned(nn.Module):
    """EfficientNet-Lite0 in bf16 and channels-last memory."""

    def __init__(self, model):
        super().__init__()
        self.model = model.to(memory_format=torch.channels_last)

    @property
    def _dropout(self):
        return self.model._dropout

    def forward(self, images):
        with torch.autocast("cpu", torch.bfloat16):
            return self.model(images.to(memory_format=torch.channels_last)).float()


def keep_workers(loader, threads):
    return DataLoader(loader.dataset, batch_sampler=loader.batch_sampler, num_workers=threads,
                      persistent_workers=True)


def main():
    args = parse_arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    loaders = {split: keep_workers(loader, args.threads)
               for split, loader in make_loaders(args).items()}
    model = make_model(len(loaders["train"].dataset.classes))
    optimizer = make_optimizer(model, args.work, fused=True)
    with tempfile.TemporaryDirectory() as folder:
        print_result(loaders, fit(Tuned(model), loaders, optimizer, args.epochs,
                                  Path(folder) / "best.pt", torch.inference_mode()(evaluate)))


if __name__ == "__main__":
    main()
