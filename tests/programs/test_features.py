"""What the frozen part computed is kept: the same results, computed once."""

import re
import subprocess

import pytest
from kit import changed, command, metrics_of, needs_permissions, train, write_config


def account(done):
    """Computed and read entries, as the log says."""
    match = re.search(r"features: ([\d,]+) computed, read ([\d,]+) times", done.stderr)
    return tuple(int(number.replace(",", "")) for number in match.groups())


@pytest.fixture
def stored(tmp_path, config):
    """Two views an image, fp32, a folder of the test's own: 18 training images, 9 and 9 others."""
    return changed(config, features__views=2, features__folder=str(tmp_path / "store"))


def run(folder, config, name, *arguments):
    return train(write_config(folder, config, f"{name}.json"), folder / name, *arguments)


def test_kept_or_not_kept_the_results_are_the_same(tmp_path, stored):
    results = {}
    for cache in ("off", "ram", "disk", "auto"):
        done = run(tmp_path, changed(stored, features__cache=cache), cache)
        assert done.returncode == 0, done.stderr
        results[cache] = metrics_of(tmp_path / cache)
    assert results["ram"] == results["off"]
    assert results["disk"] == results["off"]
    assert results["auto"] == results["off"]


def test_a_second_run_with_another_learning_rate_computes_nothing(tmp_path, stored):
    first = run(tmp_path, stored, "first")
    assert account(first) == (2 * 18 + 9 + 9, 4 * 18 + 4 * 9 + 9)
    second = run(tmp_path, changed(stored, train__optimizer__lr=0.01, train__epochs=6), "second")
    assert account(second)[0] == 0


def test_views_in_memory_are_computed_once_too(tmp_path, stored):
    done = run(tmp_path, changed(stored, features__cache="ram"), "ram")
    assert account(done)[0] == 2 * 18 + 9 + 9
    run(tmp_path, changed(stored, features__cache="off"), "off")
    assert metrics_of(tmp_path / "ram") == metrics_of(tmp_path / "off")


def test_fresh_augmentation_keeps_only_what_does_not_change(tmp_path, stored):
    done = run(tmp_path, changed(stored, features__views="epoch"), "fresh")
    assert account(done)[0] == 9 + 9


@pytest.mark.parametrize("key, value", [
    ("train__seed", 4), ("features__precision", "bf16"), ("backbone__freeze", 2),
    ("augment", {"flip": 0.1}), ("backbone__input", {"input_size": 32, "resize": 40}),
])
def test_what_changes_the_features_makes_them_anew(tmp_path, stored, key, value):
    run(tmp_path, stored, "first")
    done = run(tmp_path, changed(stored, **{key: value}), "second")
    assert account(done)[0] >= 2 * 18


def test_a_damaged_store_changes_nothing(tmp_path, stored):
    run(tmp_path, stored, "first")
    shards = sorted((tmp_path / "store").rglob("*.shard"))
    assert len(shards) == 4  # two views, val, test
    for i, shard in enumerate(shards):
        data = bytearray(shard.read_bytes())
        data[-5 if i % 2 else 20] ^= 1
        shard.write_bytes(data if i != 2 else data[: len(data) // 2])
    done = run(tmp_path, stored, "second")
    assert done.returncode == 0
    assert account(done)[0] > 0
    assert metrics_of(tmp_path / "second") == metrics_of(tmp_path / "first")


def test_runs_at_the_same_time_share_the_work(tmp_path, stored):
    rates = (0.05, 0.02, 0.01)
    processes = []
    for rate in rates:
        config = write_config(tmp_path, changed(stored, train__optimizer__lr=rate), f"{rate}.json")
        processes.append(subprocess.Popen(
            command("tl-train", "--config", config, "--output", tmp_path / str(rate)),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    outputs = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    computed = sum(int(re.search(r"features: (\d+) computed", text).group(1)) for text in outputs)
    assert computed == 2 * 18 + 9 + 9
    alone = run(tmp_path, changed(stored, features__cache="off"), "alone")
    assert alone.returncode == 0
    assert metrics_of(tmp_path / "0.05") == metrics_of(tmp_path / "alone")


@needs_permissions
def test_a_read_only_store_is_used_and_not_needed(tmp_path, stored):
    run(tmp_path, stored, "first")
    for folder in (tmp_path / "store").rglob("*/"):
        folder.chmod(0o500)
    done = run(tmp_path, changed(stored, train__seed=5), "second")
    assert done.returncode == 0 and "goes on in memory" in done.stderr


def test_a_store_where_no_folder_can_be_is_said_and_not_needed(tmp_path, stored):
    (tmp_path / "file").write_text("")
    done = run(tmp_path, changed(stored, features__folder=str(tmp_path / "file" / "store")), "run")
    assert done.returncode == 0
    assert done.stderr.count("the feature store goes on in memory") == 1


def test_a_full_store_is_said_and_not_needed(tmp_path, stored):
    done = run(tmp_path, changed(stored, features__disk_gb=2e-6), "run")
    assert done.returncode == 0
    assert done.stderr.count("the feature store goes on in memory") == 1
    assert "features.disk_gb" in done.stderr
    written = sum(file.stat().st_size for file in (tmp_path / "store").rglob("*.shard"))
    assert written <= 2000


def test_without_a_cache_folder_features_stay_in_memory(tmp_path, config, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    done = run(tmp_path, changed(config, features__views=2), "run")
    assert done.returncode == 0 and "written to memory" in done.stderr


def test_bf16_learns_as_well(tmp_path, stored):
    done = run(tmp_path, changed(stored, features__precision="bf16", train__precision="bf16",
                                 backbone__freeze=1), "bf16")
    assert done.returncode == 0
    assert "bf16" in done.stderr
    assert metrics_of(tmp_path / "bf16")[-1]["val_accuracy"] > 0.5
