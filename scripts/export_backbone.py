"""Exports a pretrained image classifier to TorchScript, with what it wants to be fed inside.

scripts/export_backbone sees to the packages and runs this file; models/README.md tells the format.
"""

import argparse
import hashlib
import json
import os
import sys
import warnings
import zipfile
from pathlib import Path

from backbones import MODEL_ERROR, USAGE_ERROR, build, fail, import_torchvision

BACKBONE_FILE = "tl/backbone.json"  # what the programs read
EXPORT_FILE = "tl/export.json"  # the arguments, to know a finished export again


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/export_backbone",
        description="Exports an image classifier to TorchScript, with its preprocessing and class "
        "names inside.",
        epilog="NAME is efficientnet_lite0, a torchvision classifier or a timm model; "
        "torchvision/NAME and timm/NAME pick one of the two.",
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("out", metavar="OUT.pt", type=Path)
    parser.add_argument("--method", choices=["auto", "script", "trace"], default="auto",
                        help="auto: scripted where it can be, traced otherwise")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--random", action="store_true", help="random weights, nothing is fetched")
    source.add_argument("--weights", metavar="FILE", type=Path, help="a local state dict")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="for --random (1)")
    parser.add_argument("--classes", metavar="FILE", type=Path, help="class names, one a line")
    parser.add_argument("--features", action="store_true", help="leave out the classifier")
    args = parser.parse_args()
    for file in (args.weights, args.classes):
        if file and not file.is_file():
            fail(USAGE_ERROR, f"{file}: no such file", "give the path of an existing file")
    return args


def export_key(args):
    """The arguments as they decide what is written: files count by content."""
    def digest(file):
        return hashlib.sha256(file.read_bytes()).hexdigest() if file else None

    return {"name": args.name, "method": args.method, "features": args.features,
            "seed": args.seed if args.random else None,
            "weights": digest(args.weights), "classes": digest(args.classes)}


def stored_key(path):
    """The key inside an earlier export; none in another file."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                if entry.endswith("extra/" + EXPORT_FILE):
                    return json.loads(archive.read(entry))
    except (OSError, ValueError, zipfile.BadZipFile):
        pass
    return None


def logits_only(model):
    """Scripted, the Inception family returns a tuple where it returns a tensor in Python."""
    import torch

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model

        def forward(self, x):
            return self.net(x).logits

    return Logits() if hasattr(model, "aux_logits") else model


def batch(size, info):
    import torch
    side = info["input_size"]
    height, width = side if isinstance(side, list) else (side, side)
    return torch.rand(size, 3, height, width, generator=torch.Generator().manual_seed(size))


def write_checked(module, model, info, path, extra):
    """Saves the module, and raises where what loads again differs from the eager network."""
    import torch

    torch.jit.save(module, str(path), _extra_files=extra)
    loaded = torch.jit.load(str(path))
    for size in (1, 3):
        expected, actual = model(batch(size, info)), loaded(batch(size, info))
        error = (expected - actual).abs().max().item() / max(expected.abs().max().item(), 1e-6)
        if not error < 1e-4:
            raise RuntimeError(f"its output differs from Python's by {error:.1g} relative")


def export(model, info, args, partial):
    """Writes the file by the first method that works, and returns that method."""
    import torch

    make = {"script": lambda: torch.jit.script(logits_only(model)),
            "trace": lambda: torch.jit.trace(model, batch(2, info), check_trace=False)}
    for method in ("script", "trace") if args.method == "auto" else (args.method,):
        try:
            extra = {BACKBONE_FILE: json.dumps(info, indent=1),
                     EXPORT_FILE: json.dumps(export_key(args))}
            write_checked(make[method](), model, info, partial, extra)
            return method
        except Exception as error:  # the compiler raises many kinds
            reason = next((l for l in str(error).splitlines() if l.strip()), type(error).__name__)
            print(f"{args.name}: {method} did not work: {reason}", file=sys.stderr)
    fail(MODEL_ERROR, f"{args.name} can't be exported with --method {args.method}",
         "try --method auto, or another network")


def main():
    args = parse_arguments()
    if args.out.exists():
        stored = stored_key(args.out)
        if stored == export_key(args):
            print(f"{args.out} is there already, made from the same arguments")
            return
        if stored is None:
            fail(USAGE_ERROR, f"{args.out} exists and is no export of this script",
                 "choose another name or remove it")
    warnings.simplefilter("ignore")
    import_torchvision()
    import torch

    model, info = build(args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_name(args.out.name + ".partial")
    try:
        with torch.no_grad():
            method = export(model, info, args, partial)
        os.replace(partial, args.out)
    finally:
        partial.unlink(missing_ok=True)
    made = {"script": "scripted", "trace": "traced"}
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{args.out}: {info['source']}; {made[method]}, {parameters:,} parameters, "
          f"input {info['input_size']}, {len(info['classes'])} classes")


if __name__ == "__main__":
    main()
