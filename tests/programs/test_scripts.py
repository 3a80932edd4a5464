"""The scripts of batch jobs, with what SLURM does to them."""

import json
import os
import signal
import statistics
import subprocess
import time

import pytest
from kit import BIN, ROOT, changed, metrics_of, write_config
from stopping import epochs_done, finish

pytestmark = pytest.mark.skipif(BIN != ROOT / "build" / "bin", reason="they use build/bin")

SCONTROL = """#!/bin/sh
case $1 in
  show) echo "   Command={script} config output" ;;
  *) echo "$*" >>{log} ;;
esac
"""


@pytest.fixture
def slurm(tmp_path):
    """The job's environment, and the file with what it said to scontrol."""
    program, log = tmp_path / "bin" / "scontrol", tmp_path / "scontrol.log"
    program.parent.mkdir()
    repository = tmp_path / "a place" / "tl"
    repository.parent.mkdir()
    repository.symlink_to(ROOT)
    program.write_text(SCONTROL.format(script=repository / "scripts/slurm/train.sbatch", log=log))
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "SLURM_JOB_ID": "7",
            "SLURM_CPUS_PER_TASK": "1"}, log


def submit(script, *arguments, environment):
    """As sbatch would run it."""
    return subprocess.run(["bash", ROOT / "scripts/slurm" / script, *map(str, arguments)],
                          env=environment, text=True, capture_output=True, timeout=120)


def job(environment, config, folder, signal_sent):
    """Runs train.sbatch, and sends it the signal in the training's second epoch."""
    script = ROOT / "scripts/slurm/train.sbatch"
    with subprocess.Popen(["bash", script, config, folder], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + 60
        while epochs_done(folder) < 2:
            assert process.poll() is None and time.monotonic() < deadline, process.stdout.read()
            time.sleep(0.001)
        process.send_signal(signal_sent)
        output = process.communicate(timeout=5)[0]
    assert process.returncode == 75, output


def test_a_job_near_its_time_limit_saves_and_requeues_itself(tmp_path, slurm, long_config,
                                                             undisturbed):
    environment, log = slurm
    job(environment, long_config, tmp_path / "run", signal.SIGUSR1)
    assert log.read_text() == "requeue 7\n"
    finish(long_config, tmp_path / "run", undisturbed)


def test_a_job_that_is_cancelled_saves_and_stays_away(tmp_path, slurm, long_config):
    environment, log = slurm
    job(environment, long_config, tmp_path / "run", signal.SIGTERM)
    assert not log.exists()


def test_a_job_takes_paths_with_blanks_and_passes_options_on(tmp_path, slurm, config):
    (tmp_path / "my configs").mkdir()
    file = write_config(tmp_path / "my configs", config)
    for options, threads in ([], 1), (["--threads", "2"], 2):
        folder = tmp_path / "my runs" / f"{threads}"
        done = submit("train.sbatch", file, folder, "--set", "train.epochs=1", *options,
                      environment=slurm[0])
        assert done.returncode == 0, done.stderr
        assert len(metrics_of(folder)) == 1
        assert json.loads((folder / "environment.json").read_text())["threads"] == threads


@pytest.mark.parametrize("script, arguments, words", [
    ("train.sbatch", [], "CONFIG or OUTPUT is missing"),
    ("train.sbatch", ["config.json"], "CONFIG or OUTPUT is missing"),
    ("train.sbatch", ["config.json", "--set", "a=1"], "CONFIG or OUTPUT is missing"),
    ("sweep.sbatch", [], "--config is missing"),
    ("sweep.sbatch", ["--config", "config.json"], "--output is missing"),
    ("sweep.sbatch", ["--config"], "--config needs a value"),
    ("sweep.sbatch", ["--config", "c", "--output", "o", "--vary", "head.dropout"],
     "--vary needs a key and its values"),
])
def test_a_job_without_an_argument_says_which(slurm, script, arguments, words):
    done = submit(script, *arguments, environment=slurm[0])
    assert done.returncode == 2 and f"error: {words}" in done.stderr, done.stderr
    assert "unbound" not in done.stderr and "\n  hint: " in done.stderr


@pytest.mark.parametrize("script", ["train.sbatch", "sweep.sbatch"])
def test_a_copy_of_a_job_script_finds_the_repository_by_tl_root(tmp_path, script):
    copy = tmp_path / "mine.sbatch"
    copy.write_text((ROOT / "scripts/slurm" / script).read_text())

    def run(**environment):
        return subprocess.run(["bash", copy], env={**os.environ, **environment}, text=True,
                              capture_output=True, timeout=60)

    lost, found = run(), run(TL_ROOT=str(ROOT))
    assert lost.returncode == 2 and "sbatch" in lost.stderr and "TL_ROOT" in lost.stderr
    assert found.returncode == 2 and "is missing" in found.stderr


def sweep(config, output, *arguments):
    return subprocess.run([ROOT / "scripts/sweep", "--config", config, "--output", output,
                           *arguments], capture_output=True, text=True, timeout=120)


def test_a_finished_run_of_a_sweep_stays_only_where_the_config_is_the_same(tmp_path, config):
    file = write_config(tmp_path, changed(config, train__epochs=1))
    options = ["--seeds", "1", "--", "--threads", "1"]
    first, again = (sweep(file, tmp_path / "out", *options) for _ in range(2))
    assert first.returncode == again.returncode == 0, again.stderr
    assert "finished already" in again.stderr and again.stdout.splitlines()[-1:] == \
        first.stdout.splitlines()[-1:]
    other = sweep(file, tmp_path / "out", *options, "--set", "head.dropout=0.4")
    assert other.returncode == 2 and "another head.dropout" in other.stderr


def rows_of(table):
    """The lines below the headings as {setting: [runs, val, spread, test, spread]}."""
    head, *lines = table.splitlines()
    assert head.split() == ["setting", "runs", "val", "spread", "test", "spread", "val", "by",
                            "seed"]
    return {words[0]: words[1:6] for words in map(str.split, lines)}


def accuracies(folder):
    val = max(epoch["val_accuracy"] for epoch in metrics_of(folder))
    return val, json.loads((folder / "report.json").read_text())["top1"]


def test_a_sweep_varies_any_keys_and_shows_mean_and_spread_over_seeds(tmp_path, config):
    file, output = write_config(tmp_path, changed(config, train__epochs=1)), tmp_path / "my sweep"
    done = sweep(file, output, "--vary", "head.hidden", "[]", "[8, 4]", "--vary",
                 "train.optimizer.name", "sgd", "adam", "--seeds", "1", "2", "--", "--threads", "1")
    assert done.returncode == 0, done.stderr
    folders = {f"head.hidden={hidden},train.optimizer.name={name}": (hidden, name)
               for hidden in ("[]", "[8, 4]") for name in ("sgd", "adam")}
    assert {folder.name for folder in output.iterdir()} == set(folders)
    for folder, (hidden, name) in folders.items():
        run = json.loads((output / folder / "seed_2" / "config.json").read_text())
        assert run["head"]["hidden"] == json.loads(hidden) and run["train"]["seed"] == 2
        assert run["train"]["optimizer"]["name"] == name
    rows = rows_of(done.stdout.replace("[8, 4]", "[8,4]"))
    means = [float(row[1]) for row in rows.values()]
    assert len(rows) == 4 and means == sorted(means, reverse=True)
    for folder in folders:
        seeds = [accuracies(output / folder / f"seed_{seed}") for seed in (1, 2)]
        expected = [f(of) for of in zip(*seeds) for f in (statistics.mean, statistics.stdev)]
        shown = rows[folder.replace("[8, 4]", "[8,4]")]
        assert shown[0] == "2"
        assert [float(number) for number in shown[1:]] == pytest.approx(expected, abs=6e-5)


def test_an_array_job_does_the_runs_of_a_sweep(tmp_path, slurm, config):
    file, output = write_config(tmp_path, changed(config, train__epochs=1)), tmp_path / "my sweep"
    arguments = ["--config", file, "--output", output, "--vary", "head.dropout", "0", "0.5",
                 "--seeds", "1", "2", "--", "--set", "train.batch_size=8"]

    def task(number):
        return submit("sweep.sbatch", *arguments,
                      environment={**slurm[0], "SLURM_ARRAY_TASK_ID": str(number)})

    for number in range(4):
        assert task(number).returncode == 0
    beyond = task(4)
    assert beyond.returncode == 2 and "--array=0-3" in beyond.stderr
    no_array = submit("sweep.sbatch", *arguments, environment=slurm[0])
    assert no_array.returncode == 2 and "--array=0-3" in no_array.stderr
    table = subprocess.run([ROOT / "scripts/sweep", "--output", output, "--table"],
                           capture_output=True, text=True, timeout=60).stdout
    assert {setting: row[0] for setting, row in rows_of(table).items()} == \
        {"head.dropout=0": "2", "head.dropout=0.5": "2"}
    for run in output.glob("*/seed_*"):
        assert json.loads((run / "config.json").read_text())["train"]["batch_size"] == 8


def test_soak(tmp_path, config):
    """A short one: two kills and a stop change nothing."""
    file = write_config(tmp_path, changed(config, train__epochs=10))
    done = subprocess.run([ROOT / "scripts/soak", "--config", file, "--kills", "2", "--term", "1",
                           "--", "--threads", "1"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "2 SIGKILLs and 1 SIGTERMs changed nothing" in done.stderr
