"""What keeping features, few views and bf16 cost in accuracy: nothing, if all is well.

Each row of the performance table is trained as it stands there, and once more in fp32 with nothing
kept and every image augmented anew in each epoch: the same data, split and seed. Test accuracies,
on images that neither training nor the choice of the best epoch has seen. Writes ACCURACY.md.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from machine import describe_surroundings  # noqa: E402
from processes import run_process  # noqa: E402
from programs import BACKBONE, BIN  # noqa: E402
from rows import ROWS  # noqa: E402

VAL, TEST = 0.15, 0.5  # of the images: half a point is not to be seen on a few test images


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", type=Path, required=True,
                        help="a folder a class, without splits of its own")
    parser.add_argument("--seeds", metavar="N", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--epochs", metavar="N", type=int, default=10, help="(%(default)s)")
    parser.add_argument("--output", metavar="FILE", type=Path,
                        default=Path(__file__).with_name("ACCURACY.md"), help="(%(default)s)")
    return parser.parse_args()


def as_in_the_table(row, folder):
    return {"features": {"cache": "disk", "folder": str(folder / "features"), "views": row.views}}


def plain(_row, _folder):
    return {"features": {"cache": "off", "views": "epoch", "precision": "fp32"},
            "train": {"precision": "fp32"}}


def test_accuracy(row, settings, seed, args):
    """In percent, of one training."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = {"data": {"root": str(args.data.resolve()), "val": VAL, "test": TEST},
                  "backbone": {"file": str(BACKBONE), "freeze": row.freeze},
                  **settings(row, folder)}
        config["train"] = {**config.get("train", {}), "epochs": args.epochs, "seed": seed,
                           "optimizer": {"name": "adam", "lr": row.lr}}
        (folder / "config.json").write_text(json.dumps(config))
        run_process([BIN / "tl-train", "--config", folder / "config.json", "--output",
                     folder / "run", "--device", "cpu"], folder)
        return 100 * json.loads((folder / "run" / "report.json").read_text())["top1"]


def measure(args):
    """{row: ([accuracies], [accuracies in fp32 with nothing kept])}"""
    results, known = {}, {}
    for name, row in ROWS.items():
        results[name] = ([], [])
        for seed in range(1, 1 + args.seeds):
            same = (row.work, row.lr, seed)  # rows that differ in their views share it
            if same not in known:
                known[same] = test_accuracy(row, plain, seed, args)
            results[name][0].append(test_accuracy(row, as_in_the_table, seed, args))
            results[name][1].append(known[same])
            print(f"{name}, seed {seed}: {results[name][0][-1]:.1f} and {known[same]:.1f}",
                  file=sys.stderr)
    return results


def listed(accuracies):
    return f"{statistics.mean(accuracies):.2f} ({', '.join(f'{a:.1f}' for a in accuracies)})"


def table(results):
    lines = ["| trained | seeds | as in the table, % | fp32, nothing kept, % | difference, points |",
             "| --- | --- | --- | --- | --- |"]
    for name, (fast, exact) in results.items():
        difference = statistics.mean(fast) - statistics.mean(exact)
        lines.append(f"| {ROWS[name].title} | {len(fast)} | {listed(fast)} | {listed(exact)} | "
                     f"{difference:+.2f} |")
    return "\n".join(lines)


def write(args, results):
    args.output.write_text(f"""# What the speed costs in accuracy

Test accuracy of EfficientNet-Lite0 after {args.epochs} epochs, mean and each seed. A seed draws the
split as well ({VAL:.0%} of the images for val, {TEST:.0%} for test); both columns have the same.
Made by `bench/accuracy.py`.

{table(results)}

- Data: `{args.data.name}`
{describe_surroundings()}
""", encoding="utf-8")


def main():
    args = parse_arguments()
    results = measure(args)
    write(args, results)
    print(table(results))


if __name__ == "__main__":
    main()
