"""EfficientNet-Lite0 without its classifier in eager PyTorch: prints images a second as JSON."""

import argparse
import json
import time

import torch
from torch import nn
from tutorial import make_model

BATCH = 32


def parse_arguments():
    parser = argparse.ArgumentParser(description="Runs EfficientNet-Lite0 in eager PyTorch.")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32",
                        help="bf16 is channels-last too (%(default)s)")
    parser.add_argument("--seconds", metavar="S", type=float, default=10, help="(%(default)s)")
    parser.add_argument("--threads", metavar="N", type=int, default=torch.get_num_threads(),
                        help="(%(default)s)")
    return parser.parse_args()


@torch.inference_mode()
def images_per_second(model, images, seconds):
    for _ in range(3):
        model(images)
    start, batches = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        model(images)
        batches += 1
    return batches * len(images) / (time.perf_counter() - start)


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    model, images = make_model(class_count=2).eval(), torch.randn(BATCH, 3, 224, 224)
    model._fc = nn.Identity()
    if args.precision == "bf16":
        model = model.to(torch.bfloat16, memory_format=torch.channels_last)
        images = images.to(torch.bfloat16, memory_format=torch.channels_last)
    print(json.dumps({"images_per_second": images_per_second(model, images, args.seconds),
                      "batch": BATCH}))


if __name__ == "__main__":
    main()
