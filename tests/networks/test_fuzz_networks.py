"""A short run of the fuzzer of networks, and networks that it, or someone, found."""

import os
import subprocess
import sys
from pathlib import Path

FUZZER = Path(__file__).resolve().parent / "fuzz_networks"


def fuzz(*arguments):
    return subprocess.run([sys.executable, str(FUZZER), *arguments], capture_output=True, text=True,
                          env=os.environ)


def test_random_networks_give_what_pytorch_gives_or_are_refused():
    done = fuzz("--cases", "80")
    assert done.returncode == 0, done.stdout
    assert " same" in done.stdout, done.stdout + done.stderr
