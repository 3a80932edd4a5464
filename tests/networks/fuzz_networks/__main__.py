"""Fuzzes the lowering of networks: small random modules, as TorchScript files, held against PyTorch.

A network is lowered, run, cut at every cut, saved and loaded, and differentiated. Verdicts: the same
as PyTorch; refused with the operation's name; or a finding, which is printed as a Python module and
makes the exit code 1. A seed gives the same case again on every machine.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from copy import copy
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import torch  # noqa: E402
from case import draw  # noqa: E402
from reference import Finding, Reference, input_data, judge, write_network  # noqa: E402

PROBE = Path(os.environ.get("TL_BIN", HERE.parents[2] / "build" / "bin")) / "network_probe"


class Probe:
    """One process for many networks; a new one where it died."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def ask(self, request):
        if self.process is None or self.process.poll() is not None:
            self.log = open(self.folder / "probe.log", "wb")
            self.process = subprocess.Popen(
                [PROBE, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer:
            return json.loads(answer)
        code = self.process.wait()
        last = (self.folder / "probe.log").read_text(errors="replace")[-300:]
        raise Finding(f"the probe died with {code}: {last}")

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def attempt(case, probe, folder):
    """A verdict: same, refused, skipped or Finding."""
    data = input_data(case.seed)
    torch.manual_seed(case.seed)
    try:
        reference = Reference(case, folder, data)
        if not reference.is_sound():
            return "skipped"
        write_network(case, reference.file_network, folder / "network.pt")
    except Exception:  # PyTorch itself can't do it
        if os.environ.get("TL_FUZZ_DEBUG"):
            traceback.print_exc()
        return "skipped"
    torch.save(data, folder / "images.pkl")
    norms = case.seed % 2 == 0
    facts = probe.ask({"network": str(folder / "network.pt"), "images": str(folder / "images.pkl"),
                       "out": str(folder / "out.pkl"), "k": case.seed // 2 % 4 * (case.seed // 8 % 3),
                       "batch_norm": norms})
    results = torch.load(folder / "out.pkl", weights_only=False)
    return judge(reference, results, facts, norms)


def verdict(case, probe, folder):
    try:
        return attempt(case, probe, folder), ""
    except Finding as finding:
        return "finding", str(finding)


def kind(said):
    """What findings of one cause have in common, more or less."""
    return re.sub(r"[0-9.]+(e[-+][0-9]+)?", "", said.split("\n")[0])


def shrunk(case, probe, folder, said):
    """The case without the steps that the finding does not need."""
    i = len(case.steps) - 1
    while i > 0:
        smaller = copy(case)
        if case.steps[i].form.kind != case.steps[i - 1].form.kind:
            i -= 1
            continue
        smaller.steps = case.steps[:i] + case.steps[i + 1:]
        outcome, now = verdict(smaller, probe, folder)
        if outcome == "finding" and kind(now) == kind(said):
            case, said = smaller, now
        i -= 1
    return case, said


def report(case, said):
    print(f"\n# finding, seed {case.seed}: {said}\n# {case.method}, file in {case.mode} mode, "
          f"weights in {case.storage}, gives {case.gives}\n{case.text()}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/fuzz_networks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--cases", type=int, help="so many instead of so long")
    parser.add_argument("--keep-going", action="store_true", help="after a finding; each kind once")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    counts, kinds, start, seed = Counter(), Counter(), time.monotonic(), arguments.seed
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        probe = Probe(folder)
        while (seed - arguments.seed < arguments.cases if arguments.cases else
               time.monotonic() - start < arguments.seconds):
            case = draw(seed)
            seed += 1
            outcome, said = verdict(case, probe, folder)
            counts[outcome] += 1
            if outcome == "finding":
                kinds[kind(said)] += 1
                if kinds[kind(said)] == 1:
                    report(*shrunk(case, probe, folder, said))
                if not arguments.keep_going:
                    break
        probe.close()
    for what, n in kinds.most_common():
        print(f"{n} times: {what}")
    print(", ".join(f"{n} {what}" for what, n in counts.most_common()),
          f"in {time.monotonic() - start:.0f} s, next seed {seed}")
    return 1 if counts["finding"] else 0


if __name__ == "__main__":
    sys.exit(main())
