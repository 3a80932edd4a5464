"""Takes every classifier of torchvision and one of each family of timm through the library, scripted
and traced: lowered, tabled, cut in the middle, trained for a step in fp32 and one in bf16, exported;
and holds it against PyTorch. Weights are random and images small. Writes docs/networks.md. Rows that
are already in the file of rows are not made again; remove it to begin anew.
"""

import argparse
import gc
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))
import torch  # noqa: E402
from families import architectures  # noqa: E402
from table import write_table  # noqa: E402
from visit import visit  # noqa: E402

METHODS = ("script", "trace")
THREADS = 2


def in_a_process(sender, limits, name, methods):
    os.setsid()  # so that the probe ends with it
    memory = int(limits.memory_gib * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    sys.stderr = open(os.devnull, "w")
    gc.disable()  # it would spend a third of the time on the compiler's many small objects
    with tempfile.TemporaryDirectory() as folder:
        for row in visit(name, methods, Path(folder)):
            sender.send(row)


def rows_of(limits, name, methods):
    """A row for each, also where the process dies or takes too long; the rest has one of its own."""
    if not methods:
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=in_a_process, args=(sender, limits, name, methods))
    process.start()
    sender.close()
    for i, method in enumerate(methods):
        start = time.monotonic()
        try:
            reason = f"takes longer than {limits.seconds:g} s"
            row = receiver.recv() if receiver.poll(limits.seconds) else None
        except EOFError:
            process.join()
            reason, row = f"ended with {process.exitcode}", None
        seconds = round(time.monotonic() - start, 1)
        if row is None:
            if process.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
            yield {"name": name, "method": method, "outcome": "fails", "reason": reason,
                   "seconds": seconds}
            yield from rows_of(limits, name, methods[i + 1:])
            break
        yield {**row, "seconds": seconds}
    process.join()


def read_rows(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def main():
    parser = argparse.ArgumentParser(prog="scripts/zoo", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="these instead of all, such as torchvision/resnet18; prints the rows "
                        "and writes no table")
    parser.add_argument("--rows", type=Path, default=ROOT / "build" / "zoo.jsonl",
                        help="file of the rows made so far (build/zoo.jsonl)")
    parser.add_argument("--seconds", type=float, default=300, help="at most, for one row (300)")
    parser.add_argument("--memory-gib", type=float, default=16, help="at most, a process (16)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    rows = [] if arguments.names else read_rows(arguments.rows)
    done = {(row["name"], row["method"]) for row in rows}
    names = arguments.names or architectures()
    for name in names:
        methods = [method for method in METHODS if (name, method) not in done]
        for row in rows_of(arguments, name, methods):
            rows.append(row)
            print(json.dumps(row), flush=True)
            if not arguments.names:
                with arguments.rows.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                write_table(rows, len(names), ROOT / "docs" / "networks.md")
    return 1 if any(row["outcome"] == "fails" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
