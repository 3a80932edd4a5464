"""The programs that fine-tune, as commands: tl-train, and PyTorch tuned and as in the tutorial."""

import csv
import json
import sys
from pathlib import Path

from processes import run_process
from rows import ROWS

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "build" / "bin"
BACKBONE = ROOT / "models" / "efficientnet_lite0.pt"
# glibc hands large tensors back to the system and fetches fresh pages for the next; not so.
TUNED_ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TOP_PAD_": str(256 << 20),
                   "MALLOC_TRIM_THRESHOLD_": str(16 << 30)}
PEERS = {"tuned": TUNED_ALLOCATOR, "tutorial": {}}  # bench/NAME.py and its environment


def measured(seconds, peak, accuracy, images):
    return {"seconds": seconds, "memory": peak / 1e6, "accuracy": 100 * accuracy,
            "images": images}


def measure_peer(name, work, args, seed, folder):
    """bench/NAME.py on one work."""
    command = [sys.executable, ROOT / "bench" / f"{name}.py", "--data", args.data, "--work", work,
               "--epochs", str(args.epochs), "--seed", str(seed), "--threads", str(args.threads)]
    seconds, peak, output = run_process(command, folder, PEERS[name])
    result = json.loads(output)
    return measured(seconds, peak, result["val_accuracy"], result["images"])


def write_config(row, data, epochs, seed, folder):
    config = folder / "config.json"
    config.write_text(json.dumps({
        "data": {"root": str(data)},
        "backbone": {"file": str(BACKBONE), "freeze": row.freeze},
        "features": {"cache": "disk", "folder": str(folder / "features"), "views": row.views,
                     "precision": "auto"},
        "train": {"epochs": epochs, "seed": seed, "precision": "auto",
                  "optimizer": {"name": "adam", "lr": row.lr}},
    }))
    return config


def check_tl(name, args, folder):
    """What tl-train does not take is to be known now, and not after an hour of measuring."""
    config = write_config(ROWS[name], args.data, args.epochs, 1, folder)
    run_process([BIN / "tl-train", "--config", config, "--dry-run", "--device", "cpu"], folder)


def measure_tl(name, data, args, seed, folder):
    """tl-train on one row; rows that are given the same folder find each other's features."""
    run = folder / f"run_{name}"
    command = [BIN / "tl-train", "--config",
               write_config(ROWS[name], data, args.epochs, seed, folder), "--output", run,
               "--device", "cpu", "--threads", str(args.threads)]
    seconds, peak, _ = run_process(command, folder)
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    with open(run / "split.csv", newline="", encoding="utf-8") as file:
        splits = [row["split"] for row in csv.DictReader(file)]
    return measured(seconds, peak, max(epoch["val_accuracy"] for epoch in epochs),
                    {split: splits.count(split) for split in ("train", "val")})
