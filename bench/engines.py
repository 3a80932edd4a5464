"""The frozen network alone, from pixels to what the classifier is given, by several engines."""

import json
import sys
from functools import partial
from pathlib import Path

from processes import run_process
from programs import BACKBONE, BIN, ROOT, TUNED_ALLOCATOR

SECONDS = 10
BATCH = 4  # that benchmark_app is fastest with, of 1, 2, 4, 8, 16 and 32


def measure_tl(args, _, folder):
    command = [BIN / "tl-bench-prefix", BACKBONE, "--threads", str(args.threads), "--seconds",
               str(SECONDS), "--precision", "bf16"]
    return json.loads(run_process(command, folder)[2])


def prepare(args, folder):
    """Makes benchmark_app's network."""
    args.network = folder / "network.xml"
    run_process([sys.executable, ROOT / "bench" / "convert.py", BACKBONE, str(BATCH),
                 args.network], folder)


def measure_benchmark_app(args, _, folder):
    config = folder / "config.json"
    # With a hint it takes the number of threads from a file alone.
    config.write_text(json.dumps({"CPU": {"INFERENCE_NUM_THREADS": args.threads}}))
    command = [Path(sys.executable).with_name("benchmark_app"), "-m", args.network, "-d", "CPU",
               "-hint", "throughput", "-infer_precision", "bf16", "-b", str(BATCH),
               "-t", str(SECONDS), "-load_config", config,
               "-report_type", "no_counters", "-report_folder", folder, "-json_stats"]
    run_process(command, folder)
    report = json.loads((folder / "benchmark_report.json").read_text())
    return {"images_per_second": float(report["execution_results"]["throughput"]),
            "batch": BATCH}


def measure_eager(precision, environment, args, _, folder):
    command = [sys.executable, ROOT / "bench" / "eager.py", "--precision", precision,
               "--seconds", str(SECONDS), "--threads", str(args.threads)]
    return json.loads(run_process(command, folder, environment)[2])


ENGINES = {
    "tl": measure_tl,
    "benchmark_app": measure_benchmark_app,
    "eager bf16": partial(measure_eager, "bf16", {}),
    "eager bf16, tuned allocator": partial(measure_eager, "bf16", TUNED_ALLOCATOR),
    "eager fp32": partial(measure_eager, "fp32", {}),
}
