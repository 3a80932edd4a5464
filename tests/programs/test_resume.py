"""A stopped run goes on as if it had never been stopped."""

import os
import random
import resource
import signal
import subprocess
import time

import pytest
from kit import (base_config, changed, command, metrics_of, read_csv, refused, run, same_run, train,
                 write_config)
from PIL import Image

EPOCHS = 40


@pytest.fixture(scope="module")
def long_config(tmp_path_factory, config):
    """Everything that has a state of its own: momentum, dropout, norm statistics, a schedule."""
    return write_config(tmp_path_factory.mktemp("long"), changed(
        config, backbone__freeze=1, backbone__batch_norm="train",
        head={"hidden": [8], "dropout": 0.3},
        train={"epochs": EPOCHS, "batch_size": 4, "seed": 5,
               "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 0.001},
               "schedule": {"name": "cosine", "warmup_epochs": 1},
               "loss": {"label_smoothing": 0.1, "class_weights": "balanced"},
               "checkpoint_every": {"steps": 2}}))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, long_config):
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train(long_config, folder, "--set", "train.checkpoint_every=null")
    return folder


def epochs_done(folder):
    file = folder / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.exists() else 0


def interrupt(config, folder, after, how, *flags):
    """Stops the training by a signal after so many epochs; returns stdout and stderr."""
    with subprocess.Popen(command("tl-train", "--config", config, "--output", folder, *flags),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as training:
        deadline = time.monotonic() + 60
        while epochs_done(folder) < after:
            assert training.poll() is None and time.monotonic() < deadline, training.stderr.read()
            time.sleep(0.001)
        training.send_signal(how)
        out, err = training.communicate(timeout=60)
        assert training.returncode == 75, f"exit {training.returncode}\n{out}\n{err}"
    return out, err


def test_a_run_stopped_twice_ends_like_one_undisturbed(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    out, err = interrupt(long_config, folder, 3, signal.SIGTERM)
    assert out == "" and "--resume" in err
    assert {file.name for file in folder.iterdir()} == {
        "config.json", "environment.json", "split.csv", "skipped.csv", "metrics.jsonl",
        "checkpoints"}
    first = epochs_done(folder)
    interrupt(long_config, folder, first + 3, signal.SIGUSR1, "--resume")
    assert epochs_done(folder) < EPOCHS
    train(long_config, folder, "--resume")
    same_run(undisturbed, folder)


def test_the_undisturbed_run_is_worth_comparing(undisturbed):
    """A schedule that moves, weights that move, and predictions of more than one class."""
    epochs = metrics_of(undisturbed)
    assert len(epochs) == EPOCHS and len({epoch["lr"] for epoch in epochs}) == EPOCHS
    assert epochs[-1]["train_loss"] < epochs[0]["train_loss"]
    assert len({row["prediction"] for row in read_csv(undisturbed / "predictions.csv")}) > 1


def test_an_interrupted_run(tmp_path, long_config):
    folder = tmp_path / "run"
    interrupt(long_config, folder, 1, signal.SIGINT)
    refused(train(long_config, folder, code=2), "run in the output folder", "--resume")
    refused(train(long_config, folder, "--resume", "--set", "head.dropout=0.4", code=2),
            "another head.dropout", folder)
    refused(run("tl-eval", folder, code=2), "not finished", folder, "--resume")


# --- killed outright -------------------------------------------------------------------------

def kill(config, folder, when):
    """Starts or resumes the training, and kills it when `when(folder)` holds, or at its end."""
    with subprocess.Popen(command("tl-train", "--config", config, "--output", folder, "--resume"),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        while not when(folder) and training.poll() is None:
            time.sleep(0.0005)
        training.kill()


def finish(config, folder, undisturbed):
    done = train(config, folder, "--resume")
    same_run(undisturbed, folder)
    assert not list(folder.rglob(".tmp-*"))
    return done


@pytest.mark.parametrize("file", [
    ".", "checkpoints", "split.csv", "environment.json", "config.json", "checkpoints/last.ckpt",
    "checkpoints/best.ckpt", "metrics.jsonl", "checkpoints/best.previous.ckpt"])
def test_killed_as_soon_as_a_file_is_there(tmp_path, long_config, undisturbed, file):
    folder = tmp_path / "run"
    kill(long_config, folder, lambda folder: (folder / file).exists())
    assert not (folder / "model.pt").exists()
    finish(long_config, folder, undisturbed)


@pytest.mark.parametrize("file", ["model.pt", "confusion.csv", "predictions.csv", "report.html"])
def test_killed_as_soon_as_a_result_is_there(tmp_path, long_config, undisturbed, file):
    folder = tmp_path / "run"
    kill(long_config, folder, lambda folder: (folder / file).exists())
    assert epochs_done(folder) == EPOCHS
    finish(long_config, folder, undisturbed)


def test_killed_again_and_again(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    moments = random.Random(1)
    for _ in range(8):
        end = time.monotonic() + moments.uniform(0, 2)
        kill(long_config, folder, lambda _, end=end: time.monotonic() > end)
    finish(long_config, folder, undisturbed)


def test_killed_before_the_last_epoch_was_recorded(tmp_path, long_config, undisturbed):
    """As a kill between the last checkpoint and metrics.jsonl leaves the folder."""
    folder = tmp_path / "run"
    kill(long_config, folder, lambda folder: (folder / "model.pt").exists())
    for file in ("report.json", "model.pt"):
        (folder / file).unlink(missing_ok=True)
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(lines[:-1]))
    finish(long_config, folder, undisturbed)


def test_what_killed_processes_left_is_removed(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / ".tmp-1-0").write_text("the trial whether the folder can be written")
    kill(long_config, folder, lambda folder: epochs_done(folder) > 2)
    for place in (folder, folder / "checkpoints"):
        (place / ".tmp-1-1").write_text("half a file")
    finish(long_config, folder, undisturbed)


# --- damaged checkpoints ---------------------------------------------------------------------

@pytest.fixture(scope="module")
def half_done(tmp_path_factory, long_config):
    """A run killed within an epoch, with all four checkpoints. Tests must copy it."""
    folder = tmp_path_factory.mktemp("half") / "run"
    kill(long_config, folder, lambda folder: epochs_done(folder) > EPOCHS / 2
         and (folder / "checkpoints" / "best.previous.ckpt").exists())
    assert not (folder / "model.pt").exists()
    return folder


@pytest.fixture
def halted(tmp_path, half_done):
    subprocess.run(["cp", "-r", half_done, tmp_path / "run"], check=True)
    return tmp_path / "run"


def flip(file):
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    file.write_bytes(bytes_)


def truncate(file):
    os.truncate(file, file.stat().st_size // 2)


def empty(file):
    os.truncate(file, 0)


@pytest.mark.parametrize("damage", [flip, truncate, empty, os.unlink])
@pytest.mark.parametrize("names", [["last"], ["best"], ["last", "last.previous"],
                                   ["last", "best"]])
def test_damaged_checkpoints_are_named_and_older_ones_used(halted, long_config, undisturbed, damage,
                                                           names):
    for name in names:
        damage(halted / "checkpoints" / f"{name}.ckpt")
    done = finish(long_config, halted, undisturbed)
    if damage is not os.unlink:
        for name in names:
            assert done.stderr.count(f"/{name}.ckpt: ") == 1, done.stderr
    elif "last" in names:
        assert "last.ckpt is missing" in done.stderr


def test_no_whole_checkpoint(halted, long_config):
    for file in (halted / "checkpoints").iterdir():
        truncate(file)
    refused(train(long_config, halted, "--resume", code=5), "checkpoints are damaged",
            halted / "checkpoints", "--force")
    for file in (halted / "checkpoints").iterdir():
        file.unlink()
    refused(train(long_config, halted, "--resume", code=5), "checkpoints of this run are gone",
            halted / "checkpoints", "--force")
    assert not (halted / "model.pt").exists()


def test_a_newer_format_is_refused(halted, long_config):
    last = halted / "checkpoints" / "last.ckpt"
    last.write_bytes(b"tlckpt3\n" + last.read_bytes()[8:])
    before = {file: file.read_bytes() for file in halted.rglob("*") if file.is_file()}
    refused(train(long_config, halted, "--resume", code=5), "newer version", last, "--force")
    assert before == {file: file.read_bytes() for file in halted.rglob("*") if file.is_file()}


# --- a full disk -----------------------------------------------------------------------------

def train_with_small_files(limit, *arguments):
    """tl-train where no file may be longer than `limit` bytes; it must end with exit code 5."""
    done = subprocess.run(
        command("tl-train", *arguments), capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert done.returncode == 5, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    refused(done, "can't write the file: File too large")
    return done


def test_a_disk_full_at_a_checkpoint(halted, long_config, undisturbed):
    checkpoints = halted / "checkpoints"
    before = {file: file.read_bytes() for file in checkpoints.iterdir()}
    limit = (checkpoints / "last.ckpt").stat().st_size - 1000
    done = train_with_small_files(limit, "--config", long_config, "--output", halted, "--resume")
    assert str(checkpoints) in done.stderr
    assert before == {file: file.read_bytes() for file in checkpoints.iterdir()}
    finish(long_config, halted, undisturbed)


def test_a_disk_full_from_the_beginning(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    train_with_small_files(100, "--config", long_config, "--output", folder)
    finish(long_config, folder, undisturbed)


# --- signals where there is nothing to save --------------------------------------------------

def test_a_signal_while_the_images_are_checked(tmp_path, backbone):
    """Images that take long to decode: the signal is heard between two of them."""
    Image.new("RGB", (2000, 2000), "red").save(tmp_path / "large.png")
    for name in ("blue", "red"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(500):
            os.link(tmp_path / "large.png", tmp_path / "data" / name / f"{i}.png")
    config = write_config(tmp_path, base_config(tmp_path / "data", backbone))
    with subprocess.Popen(command("tl-train", "--config", config, "--output", tmp_path / "run",
                                  "--progress", "always"),
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as training:
        said = b""
        while b"checking" not in said:
            said += os.read(training.stderr.fileno(), 1000)
            assert training.poll() is None, said
        training.send_signal(signal.SIGTERM)
        sent = time.monotonic()
        said += training.communicate(timeout=60)[1]
        assert time.monotonic() - sent < 5
    assert training.returncode == 75, said
    assert b"--resume" in said
    assert not (tmp_path / "run").exists()


def test_a_signal_before_the_first_step(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    with subprocess.Popen(command("tl-train", "--config", long_config, "--output", folder),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        while not (folder / "config.json").exists():
            assert training.poll() is None
            time.sleep(0.0005)
        training.send_signal(signal.SIGTERM)
        assert training.wait(timeout=60) == 75
    finish(long_config, folder, undisturbed)
