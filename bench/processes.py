"""Runs a process and measures it: seconds from start to end, and peak memory."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from backbones import fail

DEFECT = 1


def children(pid):
    files = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        return " ".join(file.read_text() for file in files).split()
    except OSError:  # it has ended
        return []


def tree_memory(pid):
    """Bytes of a process and its descendants; pages that they share count once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    own = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return own + sum(map(tree_memory, children(pid)))


class PeakMemory(threading.Thread):
    """Looks at tree_memory twice a second: more often would slow down what is measured.

    A process without children is left alone, as the kernel keeps its peak.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.bytes, self.ended = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.5):
            if children(self.pid):
                self.bytes = max(self.bytes, tree_memory(self.pid))

    def stop(self):
        self.ended.set()
        self.join()
        return self.bytes


def wait_measured(process, start):
    memory = PeakMemory(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    # The sampling may miss a peak; the largest single process is known exactly.
    return seconds, max(memory.stop(), usage.ru_maxrss * 1024)


def run_process(command, folder, environment=None):
    """Runs a command, its output in files of the folder: seconds, peak bytes and stdout."""
    with open(folder / "stdout", "w+") as out, open(folder / "stderr", "w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err,
                                   env={**os.environ, **(environment or {})})
        seconds, peak = wait_measured(process, start)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            print(err.read()[-3000:], file=sys.stderr)
            fail(DEFECT, f"{' '.join(map(str, command))} ended with exit code "
                 f"{process.returncode}", "its last messages stand above")
        return seconds, peak, out.read()
