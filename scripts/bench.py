"""Measures tl beside its peers: whole processes, in turns, on one machine, in one run.

scripts/bench sees to the programs and the backbone and runs this file; the parts are in bench/.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

from backbones import USAGE_ERROR, fail

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))
import engines  # noqa: E402
import images  # noqa: E402
import picture  # noqa: E402
import programs  # noqa: E402
import report  # noqa: E402
from machine import describe_surroundings  # noqa: E402
from rounds import measure_rounds  # noqa: E402
from rows import ROW_NAMES, ROWS, with_needs  # noqa: E402
from table import tables  # noqa: E402


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures tl beside PyTorch and OpenVINO.")
    parser.add_argument("--data", metavar="DIR", type=Path,
                        help="train/ and val/, with a folder a class in each (drawn flowers)")
    parser.add_argument("--rows", metavar="ROW", nargs="+", choices=ROW_NAMES, default=ROW_NAMES,
                        help=f"of {', '.join(ROW_NAMES)}; what they need comes along (all)")
    parser.add_argument("--epochs", metavar="N", type=positive, default=10, help="(%(default)s)")
    parser.add_argument("--rounds", metavar="N", type=positive, default=3,
                        help="how often everything is run (%(default)s)")
    parser.add_argument("--threads", metavar="N", type=positive,
                        default=len(os.sched_getaffinity(0)), help="of each program (the cores)")
    parser.add_argument("--output", metavar="FILE", type=Path,
                        default=ROOT / "bench" / "RESULTS.md",
                        help="results.svg goes beside it (bench/RESULTS.md)")
    args = parser.parse_args()
    args.rows, args.drawn = with_needs(args.rows), args.data is None
    return args


def check_programs(rows):
    needed = [programs.BIN / "tl-train", programs.BACKBONE]
    if "prefix" in rows:
        needed.append(programs.BIN / "tl-bench-prefix")
        if not importlib.util.find_spec("openvino"):
            fail(USAGE_ERROR, "this Python has no openvino",
                 "run scripts/bench, or leave out the row 'prefix'")
    for file in needed:
        if not file.exists():
            fail(USAGE_ERROR, f"{file} is missing", "run scripts/bench, which makes it")


def prepare(args, folder):
    """Brings the images, and tries what may fail before anything is measured."""
    if args.drawn:
        args.data = images.draw_flowers(programs.BIN / "tl-draw-flowers", folder / "flowers_drawn")
    args.data = args.data.resolve()
    images.check_data(args.data)
    images.read_once(args.data)
    if "growth" in args.rows:
        args.tenfold = images.multiply(args.data, 10, folder / "tenfold")
    for row in args.rows:
        if row in ROWS:
            programs.check_tl(row, args, folder)
    if "prefix" in args.rows:
        engines.prepare(args, folder)


def write(args, rounds, results, surroundings):
    drawing = picture.draw(results)
    text = report.write(args, rounds, results, surroundings, drawing is not None)
    args.output.write_text(text, encoding="utf-8")
    if drawing:
        args.output.with_name("results.svg").write_text(drawing, encoding="utf-8")


def main():
    args = parse_arguments()
    check_programs(args.rows)
    surroundings = describe_surroundings()
    with tempfile.TemporaryDirectory() as folder:
        prepare(args, Path(folder))
        for rounds, results in enumerate(measure_rounds(args), start=1):
            write(args, rounds, results, surroundings)
    print(tables(results))
    print(f"written: {args.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
