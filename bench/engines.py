"""The frozen network alone, from pixels to what the classifier is given, by several engines."""

import json
import sys
from functools import partial
from pathlib import Path

from processes import run_process
from programs import BACKBONE, BIN, ROOT, TUNED_ALLOCATOR

SECONDS = 10


def run_tl(args, folder, seconds):
    command = [BIN / "tl-bench-prefix", BACKBONE, "--threads", str(args.threads), "--seconds",
               str(seconds), "--precision", "bf16", "--json"]
    return json.loads(run_process(command, folder)[2])


def measure_tl(args, _, folder):
    return run_tl(args, folder, SECONDS)


def prepare(args, folder):
    """Asks tl for the batch that it takes, and makes benchmark_app's network for the same."""
    args.batch, args.network = run_tl(args, folder, seconds=1)["batch"], folder / "network.xml"
    run_process([sys.executable, ROOT / "bench" / "convert.py", BACKBONE, str(args.batch),
                 args.network], folder)


def measure_benchmark_app(args, _, folder):
    config = folder / "config.json"
    # With a hint it takes the number of threads from a file alone.
    config.write_text(json.dumps({"CPU": {"INFERENCE_NUM_THREADS": args.threads}}))
    command = [Path(sys.executable).with_name("benchmark_app"), "-m", args.network, "-d", "CPU",
               "-hint", "throughput", "-infer_precision", "bf16", "-b", str(args.batch),
               "-t", str(SECONDS), "-load_config", config,
               "-report_type", "no_counters", "-report_folder", folder, "-json_stats"]
    run_process(command, folder)
    report = json.loads((folder / "benchmark_report.json").read_text())
    return {"images_per_second": float(report["execution_results"]["throughput"]),
            "batch": args.batch}


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
