"""One drawn data set, one tiny backbone and one finished run for all tests that only read them."""

import os
import subprocess

import pytest
from kit import base_config, changed, draw_data, export, tiny_network, train, write_config
from stopping import EPOCHS, epochs_done, kill


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory):
    """Features are kept here, not in the user's own cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return draw_data(tmp_path_factory.mktemp("data") / "colours")


@pytest.fixture(scope="session")
def backbone(tmp_path_factory):
    return export(tiny_network(), tmp_path_factory.mktemp("models") / "tiny.pt")


@pytest.fixture(scope="session")
def config(data, backbone):
    return base_config(data, backbone)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, config):
    """A run folder with everything in it, and what the program said. Tests must not change it."""
    folder = tmp_path_factory.mktemp("finished")
    done = train(write_config(folder, config), folder / "run")
    return folder / "run", done


# --- a training to be stopped ----------------------------------------------------------------

@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, long_config):
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train(long_config, folder, "--set", "train.checkpoint_every=null")
    return folder


@pytest.fixture(scope="session")
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
