"""What scripts/setup says at its end, and what the exporters find in the virtual environment."""

import os
import subprocess
import sys

import pytest
from kit import BIN, ROOT

PYTHON = """#!/bin/sh
case "$*" in
  *metadata*) echo 2.13.0+cpu ;;
  *pip*) echo "$*" >>LOG; case "$*" in *INDEX* | *0.28.0) ;; *) exit 1 ;; esac ;;
  *torchvision*) grep -q INDEX LOG ;;
esac
"""


@pytest.fixture
def install_torchvision(tmp_path):
    """Calls it where only the index INDEX has the build of torch. Gives stderr and pip's arguments."""
    python, log = tmp_path / "bin" / "python", tmp_path / "log"
    python.parent.mkdir()
    python.write_text(PYTHON.replace("LOG", str(log)))
    python.chmod(0o755)

    def call(**environment):
        log.write_text("")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c",
             'source "$1/scripts/lib/common.sh"; venv=$2; install_torchvision', "bash", ROOT,
             tmp_path], env={**os.environ, **environment}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr, log.read_text().splitlines()
    return call


def test_torchvision_is_that_of_torch(install_torchvision):
    said, asked = install_torchvision(TL_TORCH_INDEX="INDEX")
    assert "warning" not in said
    assert len(asked) == 1 and asked[0].endswith("INDEX torchvision==0.28.0+cpu")


def test_a_torchvision_of_another_build_is_said_once(install_torchvision):
    said, asked = install_torchvision(TL_TORCH_INDEX="")
    assert "'import torchvision' fails in .venv" in said and "TL_TORCH_INDEX" in said
    assert [line.split("==")[1] for line in asked] == ["0.28.0+cpu", "0.28.0"]
    assert install_torchvision(TL_TORCH_INDEX="") == ("", [])


def test_without_a_network_an_export_says_so_at_once(tmp_path):
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, ROOT / "scripts/export_backbone.py",
                           "timm/convnext_atto", tmp_path / "out.pt"], env=environment, timeout=40,
                          capture_output=True, text=True)
    assert done.returncode == 4
    error, hint = done.stderr.splitlines()
    assert "http://127.0.0.1:9 can't be reached" in error and "--weights FILE" in hint


@pytest.mark.skipif(BIN != ROOT / "build" / "bin", reason="it builds there")
def test_setup_ends_with_what_to_do_next():
    setup = [ROOT / "scripts/setup", "--no-install", "--programs"]
    said = subprocess.run(setup, capture_output=True, text=True, timeout=600).stderr
    assert f'export PATH="{BIN}:$PATH"' in said
    assert said.splitlines()[-1].strip() == str(ROOT / "scripts" / "demo")
