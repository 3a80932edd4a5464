"""One drawn data set, one tiny backbone and one finished run for all tests that only read them."""

import os

import pytest
from kit import base_config, draw_data, export, tiny_network, train, write_config


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
