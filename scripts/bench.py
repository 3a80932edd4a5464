"""Measures tl-train beside bench/tutorial.py: whole processes, in turns, on one machine.

scripts/bench sees to the programs and the backbone and runs this file.
"""

import argparse
import csv
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from backbones import USAGE_ERROR, fail

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "build" / "bin"
BACKBONE = ROOT / "models" / "efficientnet_lite0.pt"
DEFECT, DATA_ERROR = 1, 3
WORKS = {"head": ("head alone", "all"), "full": ("everything", "none")}  # title, freeze
WALL, SPEED, MEMORY, ACCURACY = (
    "wall time, s", "images/s in training", "peak memory, MB", "best val accuracy, %")
COMPARISONS = {  # of tl-train's median and the tutorial's
    WALL: lambda tl, tutorial: f"{tutorial / tl:.2f} × as fast",
    SPEED: lambda tl, tutorial: f"{tl / tutorial:.2f} × as many",
    MEMORY: lambda tl, tutorial: f"{tl / tutorial:.2f} × as much",
    ACCURACY: lambda tl, tutorial: f"{tl - tutorial:+.1f} points",
}


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures tl-train beside the same fine-tuning written in PyTorch.")
    parser.add_argument("--data", metavar="DIR", type=Path,
                        help="train/ and val/, with a folder a class in each (drawn flowers)")
    parser.add_argument("--epochs", metavar="N", type=positive, default=3, help="(%(default)s)")
    parser.add_argument("--rounds", metavar="N", type=positive, default=3,
                        help="how often everything is run (%(default)s)")
    parser.add_argument("--threads", metavar="N", type=positive,
                        default=len(os.sched_getaffinity(0)), help="of each program (the cores)")
    parser.add_argument("--output", metavar="FILE", type=Path,
                        default=ROOT / "bench" / "RESULTS.md", help="(bench/RESULTS.md)")
    args = parser.parse_args()
    args.drawn = args.data is None
    if not args.drawn:
        args.data = args.data.resolve()
        check_data(args.data)
    for file in (BIN / "tl-train", BACKBONE):
        if not file.exists():
            fail(USAGE_ERROR, f"{file} is missing", "run scripts/bench, which makes it")
    return args


def check_data(folder):
    for split in ("train", "val"):
        if not (folder / split).is_dir():
            fail(DATA_ERROR, f"{folder / split} is no folder",
                 "give a folder with train/ and val/, and a folder a class in each")


def draw_flowers(folder):
    for split, per_class, seed in (("train", 80, 1), ("val", 20, 2)):
        subprocess.run([BIN / "tl-draw-flowers", folder / split, "--per-class", str(per_class),
                        "--seed", str(seed)], check=True, stdout=sys.stderr)
    return folder


def tree_memory(pid):
    """Bytes of a process and its descendants; pages that they share count once."""
    process = Path("/proc") / str(pid)
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
        children = " ".join(file.read_text() for file in process.glob("task/*/children")).split()
    except OSError:  # it has ended
        return 0
    own = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return own + sum(map(tree_memory, children))


class PeakMemory(threading.Thread):
    """Looks at tree_memory twice a second: more often would slow down what is measured."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.bytes, self.ended = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.5):
            self.bytes = max(self.bytes, tree_memory(self.pid))

    def stop(self):
        self.ended.set()
        self.join()
        return self.bytes


def run_process(command, folder):
    """Seconds, peak bytes and output of a whole process."""
    with open(folder / "stdout", "w+") as out, open(folder / "stderr", "w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        memory = PeakMemory(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        # The sampling may miss a peak; the largest single process is known exactly.
        peak = max(memory.stop(), usage.ru_maxrss * 1024)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            print(err.read()[-3000:], file=sys.stderr)
            fail(DEFECT, f"{Path(command[0]).name} ended with exit code {process.returncode}",
                 "its last messages stand above")
        return seconds, peak, out.read()


def measure_tutorial(args, work, seed, folder):
    command = [sys.executable, ROOT / "bench" / "tutorial.py", "--data", args.data,
               "--work", work, "--epochs", str(args.epochs), "--seed", str(seed),
               "--threads", str(args.threads)]
    seconds, peak, output = run_process(command, folder)
    result = json.loads(output)
    return {
        WALL: seconds, SPEED: result["train_images_per_second"], MEMORY: peak / 1e6,
        ACCURACY: 100 * result["val_accuracy"],
        "images": {split: result[f"{split}_images"] for split in ("train", "val")},
    }


def measure_tl(args, work, seed, folder):
    config, run = folder / "config.json", folder / "run"
    config.write_text(json.dumps({
        "data": {"root": str(args.data)},
        "backbone": {"file": str(BACKBONE), "freeze": WORKS[work][1]},
        "features": {"cache": "off", "precision": "fp32"},
        "train": {"epochs": args.epochs, "seed": seed},
    }))
    command = [BIN / "tl-train", "--config", config, "--output", run, "--device", "cpu",
               "--threads", str(args.threads)]
    seconds, peak, _ = run_process(command, folder)
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    with open(run / "split.csv", newline="", encoding="utf-8") as file:
        splits = [row["split"] for row in csv.DictReader(file)]
    return {
        WALL: seconds, SPEED: statistics.median(e["images_per_second"] for e in epochs),
        MEMORY: peak / 1e6, ACCURACY: 100 * max(e["val_accuracy"] for e in epochs),
        "images": {split: splits.count(split) for split in ("train", "val")},
    }


PROGRAMS = {"tl-train": measure_tl, "tutorial": measure_tutorial}


def measure_all(args):
    """{work: {program: [one result a round]}}; who goes first changes from round to round."""
    results = {work: {program: [] for program in PROGRAMS} for work in WORKS}
    for number in range(1, args.rounds + 1):
        order = list(PROGRAMS) if number % 2 else list(reversed(PROGRAMS))
        for work in WORKS:
            for program in order:
                with tempfile.TemporaryDirectory() as folder:
                    result = PROGRAMS[program](args, work, number, Path(folder))
                results[work][program].append(result)
                print(f"round {number} of {args.rounds}, {WORKS[work][0]}, {program}: "
                      f"{result[WALL]:.1f} s, {result[SPEED]:.1f} images/s", file=sys.stderr)
    return results


def check_images(results):
    """How many images were used; both programs have to take the same."""
    counts = {program: results["head"][program][0]["images"] for program in PROGRAMS}
    if counts["tl-train"] != counts["tutorial"]:
        print(f"warning: not the same images were used: {counts}", file=sys.stderr)
    return counts["tl-train"]


def cell(values):
    text = f"{statistics.median(values):.1f}"
    return text if len(values) == 1 else f"{text} ({min(values):.1f} to {max(values):.1f})"


def table(results):
    lines = ["| trained | | tl-train | tutorial | tl-train against it |",
             "| --- | --- | --- | --- | --- |"]
    for work, by_program in results.items():
        for name, compare in COMPARISONS.items():
            values = [[result[name] for result in by_program[program]] for program in PROGRAMS]
            lines.append(f"| {WORKS[work][0]} | {name} | {cell(values[0])} | {cell(values[1])} "
                         f"| {compare(*map(statistics.median, values))} |")
    return "\n".join(lines)


def describe_machine():
    cpu = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines()
               if ":" in line)
    cpu = {key.strip(): value.strip() for key, value in cpu.items()}
    flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
             if flag in cpu.get("flags", "").split()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (f"{cpu.get('model name', platform.machine())} ({', '.join(flags) or 'no AVX'}), "
            f"{len(os.sched_getaffinity(0))} cores, {memory:.1f} GB of memory, "
            f"{platform.freedesktop_os_release()['PRETTY_NAME']}")


def describe_versions():
    tl = subprocess.run([BIN / "tl-train", "--version"], check=True, capture_output=True,
                        text=True).stdout.strip()
    python = ", ".join(f"{name} {importlib.metadata.version(name)}"
                       for name in ("torch", "torchvision", "pillow"))
    return f"tl {tl}; Python {platform.python_version()}, {python}"


def describe_surroundings():
    return f"""- Machine: {describe_machine()}
- Load average before the first run: {os.getloadavg()[0]:.2f}
- Versions: {describe_versions()}
- Date: {datetime.date.today()}"""


def report(args, results, surroundings):
    images = check_images(results)
    again = f"scripts/bench --epochs {args.epochs} --rounds {args.rounds} --threads {args.threads}"
    if not args.drawn:
        again += f" --data path/to/{args.data.name}"
    return f"""# tl-train beside PyTorch

Fine-tuning EfficientNet-Lite0 at 224 pixels with `tl-train` and with `bench/tutorial.py`, which is
written as PyTorch's transfer learning tutorial does it: ImageFolder, DataLoader, fp32, eager. Both
have the same weights, augmentation, batches of 32, Adam, learning rates, number of threads and of
workers, and validate after every epoch; batch norms keep their statistics. tl-train keeps no
features and computes in fp32.

{table(results)}

Medians of the rounds (lowest to highest; rounds: {args.rounds}). The programs run in turns, with
the round's number as the seed. Wall time is that of the whole process: start, check of the data,
training, validation, saving, and for tl-train its last evaluation and report as well. Peak memory
is that of the process and its workers together, shared pages counted once, looked at twice a
second; at least the largest resident size of any one of them.

- Data: `{args.data.name}`{", drawn by tl-draw-flowers" if args.drawn else ""}, \
{images["train"]} training and {images["val"]} validation images
- Epochs: {args.epochs}; threads: {args.threads}
{surroundings}

Once more: `{again}`
"""


def main():
    args = parse_arguments()
    surroundings = describe_surroundings()
    with tempfile.TemporaryDirectory() as folder:
        if args.drawn:
            args.data = draw_flowers(Path(folder) / "flowers_drawn")
        results = measure_all(args)
    text = report(args, results, surroundings)
    args.output.write_text(text, encoding="utf-8")
    print(table(results))
    print(f"written: {args.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
