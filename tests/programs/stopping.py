"""Stopping a training, by a signal or a kill, and going on with it."""

import random
import subprocess
import time

from kit import PATIENCE, command, same_run, train

EPOCHS = 40  # of the training that is stopped, unless it ends before


def epochs_done(folder):
    file = folder / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.exists() else 0


def interrupt(config, folder, after, how, *flags):
    """Stops the training by a signal after so many epochs, which takes less than five seconds;
    returns stdout and stderr."""
    with subprocess.Popen(command("tl-train", "--config", config, "--output", folder, *flags),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as training:
        deadline = time.monotonic() + 60
        while epochs_done(folder) < after:
            assert training.poll() is None and time.monotonic() < deadline, training.stderr.read()
            time.sleep(0.001)
        training.send_signal(how)
        out, err = training.communicate(timeout=PATIENCE)
        assert training.returncode == 75, f"exit {training.returncode}\n{out}\n{err}"
    return out, err


def kill(config, folder, when, threads=1):
    """Starts or resumes the training, and kills it when `when(folder)` holds, or at its end."""
    with subprocess.Popen(command("tl-train", "--config", config, "--output", folder, "--resume",
                                  threads=threads),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        while not when(folder) and training.poll() is None:
            time.sleep(0.0005)
        training.kill()


def kill_at_random(config, folder, seed, times=8, threads=1):
    moments = random.Random(seed)
    for _ in range(times):
        end = time.monotonic() + moments.uniform(0, 2)
        kill(config, folder, lambda _, end=end: time.monotonic() > end, threads)


def finish(config, folder, undisturbed, threads=1):
    done = train(config, folder, "--resume", threads=threads)
    same_run(undisturbed, folder)
    assert not list(folder.rglob(".tmp-*"))
    return done
