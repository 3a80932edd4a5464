"""A stopped run goes on as if it had never been stopped."""

import signal
import subprocess
import time

import pytest
from kit import changed, command, metrics_of, read_csv, refused, run, same_run, train, write_config

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
               "loss": {"label_smoothing": 0.1, "class_weights": "balanced"}}))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, long_config):
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train(long_config, folder)
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
    (folder / "checkpoints" / "last.ckpt").write_bytes(b"PK damaged")
    done = train(long_config, folder, "--resume", code=5)
    refused(done, "can't read the checkpoint", "last.ckpt", "--force")
    assert not (folder / "model.pt").exists()


def test_a_run_killed_outright_goes_on_from_its_last_epoch(tmp_path, long_config, undisturbed):
    folder = tmp_path / "run"
    with subprocess.Popen(command("tl-train", "--config", long_config, "--output", folder),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        while epochs_done(folder) < 2 and training.poll() is None:
            time.sleep(0.001)
        training.kill()
    assert not (folder / "model.pt").exists()
    train(long_config, folder, "--resume")
    same_run(undisturbed, folder)
