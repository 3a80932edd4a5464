"""What a machine may run out of: disk, memory, open files. Exit code 5, and nothing is lost.

A full feature store, which is no error, is in test_features.py."""

import itertools
import os
import resource
import subprocess

import pytest
from kit import (BIN, SANITIZED, base_config, changed, command, draw_data, read_csv, refused,
                 train, write_config)
from stopping import finish

not_sanitized = pytest.mark.skipif(
    SANITIZED, reason="a sanitizer takes memory and system calls for itself")
FAILING_DISK = BIN.parent / "lib" / "libfailing_disk.so"


def limited(which, limit, *arguments):
    """tl-train with no more than so much of a resource."""
    return subprocess.run(command("tl-train", *arguments), capture_output=True, text=True,
                          timeout=120,
                          preexec_fn=lambda: resource.setrlimit(which, (limit, limit)))


@not_sanitized
def test_a_network_too_large_for_the_memory(tmp_path, config):
    """Images of 16 million pixels."""
    huge = write_config(tmp_path, changed(config, backbone__input={"input_size": 4096}))
    done = limited(resource.RLIMIT_AS, 3 << 30, "--config", huge, "--output", tmp_path / "run")
    assert done.returncode == 5, done.stderr
    refused(done, "out of memory", "train.batch_size")
    assert not (tmp_path / "run" / "model.pt").exists()


@not_sanitized
@pytest.mark.parametrize("megabytes", [600, 680, 690, 700, 720])
def test_too_little_memory_to_go_on(halted, long_config, undisturbed, megabytes):
    """Hardly enough to load the program: whatever happens (some of the libraries end the process
    themselves), nothing is lost."""
    done = limited(resource.RLIMIT_AS, megabytes << 20, "--config", long_config, "--output", halted,
                   "--resume")
    assert done.returncode != 1, done.stderr
    if done.returncode != 0:
        finish(long_config, halted, undisturbed)


@not_sanitized
@pytest.mark.parametrize("files", range(4, 28, 2))
def test_few_open_files(tmp_path, backbone, files):
    """They are enough, or too few; but no image is bad for it."""
    root = draw_data(tmp_path / "data")
    file = write_config(tmp_path, changed(base_config(root, backbone), train__epochs=1,
                                          data__on_bad_image="skip"))
    done = limited(resource.RLIMIT_NOFILE, files, "--config", file, "--output", tmp_path / "run")
    assert "skipped" not in done.stderr
    if done.returncode == 0:
        assert not read_csv(tmp_path / "run" / "skipped.csv")
    elif "error while loading shared libraries" not in done.stderr:
        assert done.returncode == 5, done.stderr
        refused(done, "Too many open files", "ulimit -n")


# --- disk ------------------------------------------------------------------------------------

@not_sanitized
def test_a_disk_full_at_a_checkpoint(halted, long_config, undisturbed):
    checkpoints = halted / "checkpoints"
    before = {file: file.read_bytes() for file in checkpoints.iterdir()}
    limit = (checkpoints / "last.ckpt").stat().st_size - 1000
    done = limited(resource.RLIMIT_FSIZE, limit, "--config", long_config, "--output", halted,
                   "--resume")
    assert done.returncode == 5, done.stderr
    refused(done, "can't write the file: File too large", checkpoints, "ulimit -f")
    assert before == {file: file.read_bytes() for file in checkpoints.iterdir()}
    finish(long_config, halted, undisturbed)


def on_failing_disk(folder, config_file, **variables):
    """tl-train with failing_disk.cpp between it and the disk; see there for the variables."""
    environment = {"LD_PRELOAD": str(FAILING_DISK), "TL_DISK_FOLDER": str(folder),
                   **{f"TL_DISK_{name.upper()}": str(value) for name, value in variables.items()}}
    return subprocess.run(command("tl-train", "--config", config_file, "--output", folder),
                          capture_output=True, text=True, timeout=120,
                          env={**os.environ, **environment})


@pytest.fixture(scope="module")
def short_config(tmp_path_factory, config):
    return write_config(tmp_path_factory.mktemp("short"), changed(config, train__epochs=1))


@not_sanitized
def test_a_disk_full_at_any_write(tmp_path, short_config):
    """At the first write or sync, at the second, and so on, until the run gets through."""
    train(short_config, tmp_path / "undisturbed")
    for operations in itertools.count():
        folder = tmp_path / str(operations)
        done = on_failing_disk(folder, short_config, operations=operations)
        if done.returncode == 0:
            break
        assert done.returncode == 5, done.stderr
        refused(done, "No space left on device", folder, "free some space")
        finish(short_config, folder, tmp_path / "undisturbed")
    assert operations > 30  # of a dozen files, each written and synced, and its folder too


@not_sanitized
def test_every_file_is_synced_before_it_is_renamed(tmp_path, short_config):
    done = on_failing_disk(tmp_path / "run", short_config, log=tmp_path / "log")
    assert done.returncode == 0, done.stderr
    last, renamed = {}, []
    for line in (tmp_path / "log").read_text().splitlines():
        what, path = line.split(" ", 1)
        if what == "rename" and "/.tmp-" in path:
            renamed.append(last[path])
        last[path] = what
    assert len(renamed) > 10 and set(renamed) == {"sync"}
