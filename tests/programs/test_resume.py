"""A stopped run goes on as if it had never been stopped."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from kit import (SANITIZED, base_config, changed, command, metrics_of, read_csv, refused, run,
                 same_run, train, write_config)
from PIL import Image
from stopping import EPOCHS, epochs_done, finish, interrupt, kill, kill_at_random


def test_a_run_stopped_twice_ends_like_one_undisturbed(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    out, err = interrupt(long_config, folder, 3, signal.SIGTERM)
    assert out == "" and "--resume" in err
    assert {file.name for file in folder.iterdir()} == {
        "config.json", "environment.json", "split.csv", "contents.csv", "skipped.csv",
        "faults.csv", "metrics.jsonl", "checkpoints"}
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


def test_two_processes_never_work_in_one_folder(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    with subprocess.Popen(command("tl-train", "--config", long_config, "--output", folder),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        while epochs_done(folder) < 1:
            assert training.poll() is None
            time.sleep(0.0005)
        training.send_signal(signal.SIGSTOP)
        for flag in ("--resume", "--force"):
            refused(train(long_config, folder, flag, code=2), "another process", folder)
        training.send_signal(signal.SIGCONT)
        assert training.wait(timeout=60) == 0
    same_run(undisturbed, folder)


def test_going_on_with_another_device_or_version_is_said(tmp_path, long_config):
    folder = tmp_path / "run"
    interrupt(long_config, folder, 1, signal.SIGTERM)
    file = folder / "environment.json"
    file.write_text(file.read_text().replace('"cpu (1 thread)"', '"cuda:0"'))
    done = train(long_config, folder, "--resume")
    assert "this run began with device cuda:0 and goes on with cpu (1 thread)" in done.stderr


def test_moved_data_and_backbone_go_on(tmp_path, long_config, undisturbed, backbone):
    """The run began elsewhere with the same bytes."""
    config = json.loads(long_config.read_text())
    folder = tmp_path / "run"
    interrupt(long_config, folder, 3, signal.SIGTERM)
    shutil.copytree(config["data"]["root"], tmp_path / "moved")
    for file in (backbone, backbone.with_suffix(".json")):
        shutil.copy(file, tmp_path / f"moved{file.suffix}")
    moved = ["--set", f"data.root={tmp_path}/moved", "--set", f"backbone.file={tmp_path}/moved.pt"]
    train(long_config, folder, "--resume", *moved, "--set", "data.workers=2")
    same_run(undisturbed, folder)
    resolved = json.loads((folder / "config.json").read_text())
    assert resolved["data"]["root"] == f"{tmp_path}/moved" and resolved["data"]["workers"] == 2


def test_a_moved_backbone_keeps_its_input(tmp_path, long_config, backbone):
    folder = tmp_path / "run"
    interrupt(long_config, folder, 1, signal.SIGTERM)
    shutil.copy(backbone, tmp_path / "moved.pt")  # without the .json beside it
    refused(train(long_config, folder, "--resume", "--set", f"backbone.file={tmp_path}/moved.pt",
                  code=2), tmp_path / "moved.pt", '"input_size":32', '"input_size":224')


def test_other_images_in_the_moved_data_are_refused(tmp_path, long_config):
    folder = tmp_path / "run"
    interrupt(long_config, folder, 1, signal.SIGTERM)
    moved = shutil.copytree(json.loads(long_config.read_text())["data"]["root"], tmp_path / "moved")
    shutil.copy(moved / "red" / "00.jpg", moved / "red" / "02.jpg")
    refused(train(long_config, folder, "--resume", "--set", f"data.root={moved}", code=3),
            "images have changed", moved, "--force")


def test_more_epochs_on_a_finished_run(tmp_path, config):
    """With a constant rate, as if it had been asked for all of them at once."""
    file = write_config(tmp_path, config)
    train(file, tmp_path / "at_once", "--set", "train.epochs=6")
    train(file, tmp_path / "run")
    train(file, tmp_path / "run", "--resume", "--set", "train.epochs=6")
    same_run(tmp_path / "at_once", tmp_path / "run")
    assert (tmp_path / "run" / "config.json").read_bytes() == \
        (tmp_path / "at_once" / "config.json").read_bytes()
    assert "finished already" in train(file, tmp_path / "run", "--resume", "--set",
                                       "train.epochs=6").stderr
    refused(train(file, tmp_path / "run", "--resume", code=2), "another train.epochs")


def test_more_epochs_stopped_in_between(tmp_path, long_config):
    """Model and report of the earlier end do not make the run finished."""
    more = ("--set", f"train.epochs={EPOCHS + 30}")
    folder = tmp_path / "run"
    train(long_config, folder)
    interrupt(long_config, folder, EPOCHS + 2, signal.SIGTERM, "--resume", *more)
    run("tl-eval", folder)
    train(long_config, folder, "--resume", *more)
    assert epochs_done(folder) == EPOCHS + 30 and not (folder / "unfinished").exists()


def test_finish_makes_a_result_of_what_is_there(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    interrupt(long_config, folder, 6, signal.SIGTERM)
    done = train(long_config, folder, "--finish", "--json")
    result = json.loads(done.stdout)
    epochs = metrics_of(folder)
    assert len(epochs) < EPOCHS
    assert result["val_accuracy"] == max(epoch["val_accuracy"] for epoch in epochs)
    assert json.loads((folder / "report.json").read_text())["top1"] == result["top1"]
    run("tl-eval", folder)  # which writes the report again
    log = finish(long_config, folder, undisturbed).stderr
    assert f"resuming after epoch {len(epochs)}" in log or f"epoch {len(epochs) + 1}, after" in log
    assert not (folder / "unfinished").exists()
    assert "finished already" in train(long_config, folder, "--finish").stderr


def test_finish_without_an_epoch(tmp_path, config):
    file = write_config(tmp_path, config)
    refused(train(file, tmp_path / "run", "--finish", code=2), "no run to finish", "--output")
    assert not (tmp_path / "run").exists()


# --- killed outright -------------------------------------------------------------------------

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
    kill_at_random(long_config, tmp_path / "run", seed=1)
    finish(long_config, tmp_path / "run", undisturbed)


@pytest.mark.skipif(SANITIZED, reason="LibTorch's OpenMP is not built for ThreadSanitizer")
def test_killed_on_two_threads(tmp_path, long_config):
    train(long_config, tmp_path / "undisturbed", threads=2)
    kill_at_random(long_config, tmp_path / "run", seed=2, times=4, threads=2)
    finish(long_config, tmp_path / "run", tmp_path / "undisturbed", threads=2)


def test_killed_while_features_are_stored(tmp_path, config):
    """Each run in a feature store of its own, which the killed one fills piece by piece."""
    kept = {name: write_config(tmp_path, changed(
        config, features__views=3, features__folder=str(tmp_path / f"features_{name}"),
        train__epochs=EPOCHS, train__checkpoint_every={"steps": 2}), f"{name}.json")
        for name in ("run", "undisturbed")}
    kill(kept["run"], tmp_path / "run", lambda _: list(tmp_path.glob("features_run/*/*")))
    kill_at_random(kept["run"], tmp_path / "run", seed=3)
    train(kept["undisturbed"], tmp_path / "undisturbed")
    finish(kept["run"], tmp_path / "run", tmp_path / "undisturbed")


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
    last.write_bytes(b"tlckpt4\n" + last.read_bytes()[8:])
    before = {file: file.read_bytes() for file in halted.rglob("*") if file.is_file()}
    refused(train(long_config, halted, "--resume", code=5), "newer version", last, "--force")
    assert before == {file: file.read_bytes() for file in halted.rglob("*") if file.is_file()}


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
