"""The scripts of batch jobs, with what SLURM does to them."""

import os
import signal
import subprocess
import time

import pytest
from kit import BIN, ROOT, changed, write_config
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
    program.write_text(SCONTROL.format(script=ROOT / "scripts/slurm/train.sbatch", log=log))
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "SLURM_JOB_ID": "7",
            "SLURM_CPUS_PER_TASK": "1"}, log


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


def sweep(config, output, *options):
    return subprocess.run([ROOT / "scripts/sweep", "--config", config, "--output", output, "--lr",
                           "0.05", "--seeds", "1", "--", "--threads", "1", *options],
                          capture_output=True, text=True, timeout=120)


def test_a_finished_run_of_a_sweep_stays_only_where_the_config_is_the_same(tmp_path, config):
    file = write_config(tmp_path, changed(config, train__epochs=1))
    first, again = sweep(file, tmp_path / "out"), sweep(file, tmp_path / "out")
    assert first.returncode == again.returncode == 0, again.stderr
    assert "finished already" in again.stderr and again.stdout.splitlines()[-1:] == \
        first.stdout.splitlines()[-1:]
    other = sweep(file, tmp_path / "out", "--set", "head.dropout=0.4")
    assert other.returncode == 2 and "another head.dropout" in other.stderr


def test_soak(tmp_path, config):
    """A short one: two kills and a stop change nothing."""
    file = write_config(tmp_path, changed(config, train__epochs=10))
    done = subprocess.run([ROOT / "scripts/soak", "--config", file, "--kills", "2", "--term", "1",
                           "--", "--threads", "1"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "2 SIGKILLs and 1 SIGTERMs changed nothing" in done.stderr
