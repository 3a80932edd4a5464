"""tl-train's dry run, its overrides and paths, and what it prints."""

import json
import os
import re
import shutil
import subprocess

import pytest
from kit import base_config, changed, command, metrics_of, refused, train, write_config


def test_a_dry_run_prints_and_writes_nothing(tmp_path, config):
    file = write_config(tmp_path, changed(config, backbone__freeze=2))
    done = train(file, tmp_path / "run", "--dry-run")
    assert list(tmp_path.iterdir()) == [file]
    end = done.stdout.index("\n}\n") + 3
    resolved = json.loads(done.stdout[:end])
    assert resolved["train"]["seed"] == config["train"]["seed"] and "augment" in resolved
    table = done.stdout[end:]
    frozen = [line for line in table.splitlines() if line.endswith(" frozen") and "conv" in line]
    assert [line.split()[1] for line in frozen] == ["features.0.0", "features.1.0"]
    # 216 + 16, 1152 + 32, 2304 + 32 parameters, and 16 x 3 + 3 of the head
    assert "parameters: 3,803 in all, 2,387 trainable, 1,416 frozen" in table


def test_a_dry_run_as_json(tmp_path, config):
    done = train(write_config(tmp_path, config), tmp_path / "run", "--dry-run", "--json")
    result = json.loads(done.stdout)
    assert result["parameters"] == {"all": 3803, "trainable": 51, "frozen": 3752}
    assert result["frozen_layers"] == 3


def test_a_dry_run_checks_everything(tmp_path, config):
    absent = changed(config, data__root=str(tmp_path / "absent"))
    refused(train(write_config(tmp_path, absent), tmp_path / "run", "--dry-run", code=3), "absent")


def resolved_with(tmp_path, config, *overrides, cwd=None):
    flags = [word for override in overrides for word in ("--set", override)]
    file = write_config(tmp_path, config)
    done = train(file, tmp_path / "run", "--dry-run", "--json", *flags, cwd=cwd)
    return json.loads(done.stdout)["config"]


def test_overrides_are_dotted_keys_with_json_or_bare_words(tmp_path, config):
    resolved = resolved_with(tmp_path, config, "train.epochs=7", "head.hidden=[16, 8]",
                             "backbone.init=scratch", 'train.schedule={"name": "cosine"}',
                             "train.schedule.warmup_epochs=1", "backbone.freeze=features.1",
                             "augment.crop=null", "train.epochs=8")
    assert resolved["train"]["epochs"] == 8  # the last one counts
    assert resolved["head"]["hidden"] == [16, 8]
    assert resolved["backbone"]["init"] == "scratch"
    assert resolved["backbone"]["freeze"] == "features.1"
    assert resolved["train"]["schedule"]["name"] == "cosine"
    assert resolved["train"]["schedule"]["warmup_epochs"] == 1
    assert resolved["augment"]["crop"] is None


def test_paths_in_the_config_are_relative_to_it_and_overrides_to_the_working_folder(
        tmp_path, data, backbone):
    (tmp_path / "configs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    shutil.copytree(data, tmp_path / "configs" / "colours")
    shutil.copy(backbone, tmp_path / "elsewhere" / "tiny.pt")
    shutil.copy(backbone.with_suffix(".json"), tmp_path / "elsewhere" / "tiny.json")
    config = base_config("colours", "no such file.pt")
    resolved = resolved_with(tmp_path / "configs", config, "backbone.file=tiny.pt",
                             cwd=tmp_path / "elsewhere")
    assert resolved["data"]["root"] == str(tmp_path / "configs" / "colours")
    assert resolved["backbone"]["file"] == str(tmp_path / "elsewhere" / "tiny.pt")


def test_json_is_one_object_on_stdout(tmp_path, config):
    folder = tmp_path / "run"
    done = train(write_config(tmp_path, config), folder, "--json")
    assert done.stdout.count("\n") == 1
    result = json.loads(done.stdout)
    assert result["run"] == str(folder) and result["split"] == "test"
    assert result["top1"] == json.loads((folder / "report.json").read_text())["top1"]
    epochs = metrics_of(folder)
    assert result["val_accuracy"] == epochs[result["best_epoch"] - 1]["val_accuracy"]


def test_log_level_debug_tells_what_was_read_made_and_kept(tmp_path, config):
    log = train(write_config(tmp_path, config), tmp_path / "run", "--log-level", "debug").stderr
    for said in ("model: lowered and checked in", "4 layers", "prefix: identity", "engine: ",
                 "made and checked in", "store: shelf", "exit code 0 after"):
        assert said in log, said


def test_log_level_off_is_silent(tmp_path, config):
    done = train(write_config(tmp_path, config), tmp_path / "run", "--log-level", "off")
    assert done.stderr == "" and "test: accuracy" in done.stdout


def test_progress_always_draws_a_bar(tmp_path, config):
    done = train(write_config(tmp_path, config), tmp_path / "run", "--progress", "always")
    assert "\x1b[K" in done.stderr and "1/5" in done.stderr  # 18 images in batches of 4
    assert "\x1b" not in done.stdout


def lines_with(done, word):
    return [line for line in done.stderr.splitlines() if word in line]


def test_an_epoch_is_a_line_under_headings(finished):
    log = finished[1].stderr.splitlines()
    names = next(i for i, line in enumerate(log) if "info  epoch " in line)
    assert log[names - 1].split()[2:] == ["train", "val"]
    assert log[names].split()[2:] == ["epoch", "loss", "accuracy", "loss", "accuracy", "time",
                                      "left"]
    epochs = log[names + 1:names + 5]
    assert [line.split()[2] for line in epochs] == ["1/4", "2/4", "3/4", "4/4"]
    assert all(re.search(r"%  +\d+:\d\d  +\d+:\d\d(  best)?$", line) for line in epochs)
    assert epochs[0].endswith("  best")
    ends = [log[names].index(name) + len(name) for name in ("time", "left")]
    assert all(line[end - 3] == ":" for line in epochs for end in ends)  # under its heading


def test_the_start_table_says_how_it_trains(tmp_path, config):
    done = train(write_config(tmp_path, config), tmp_path / "run", "--set", "train.epochs=1",
                 "--set", "backbone.freeze=2", "--set", "train.schedule.name=cosine")
    table = dict(line[2:].split("  ", 1) for line in done.stderr.splitlines()
                 if line.startswith("  ") and "  " in line[2:])
    table = {name: text.strip() for name, text in table.items()}
    assert table["training"] == "1 epoch of batches of 4, seed 3"
    assert table["optimizer"] == "adam, learning rate 0.05, backbone 0.005"
    assert table["schedule"] == "cosine"
    assert table["augmentation"].startswith("crop 0.5 to 1, flip 0.5")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d \S+", table["date"])
    page = (tmp_path / "run" / "report.html").read_text()
    for name in ("training", "optimizer", "schedule", "augmentation"):
        assert f"<td>{name.capitalize()}</td><td>{table[name]}</td>" in page
    assert "<td>Date</td><td>20" in page


def test_top_5_of_three_classes_is_not_shown(finished):
    folder, done = finished
    assert "top-5" not in done.stdout and "Top-5" not in (folder / "report.html").read_text()
    assert json.loads((folder / "report.json").read_text())["top5"] == 1


def on_a_terminal(arguments, **environment):
    """What the program writes to stderr where that is a terminal of 80 columns."""
    ours, theirs = os.openpty()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=theirs,
                          env={**os.environ, "TERM": "xterm", **environment}) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            written += piece
    os.close(ours)
    assert process.returncode == 0
    return written.decode()


@pytest.fixture
def on_terminal(tmp_path, config):
    def run(**environment):
        file = write_config(tmp_path, config)
        return on_a_terminal(command("tl-train", "--config", file, "--output", tmp_path / "run"),
                             **environment)
    return run


def test_on_a_terminal_each_step_is_a_line_of_80_columns_and_tells_what_is_left(on_terminal):
    written = on_terminal()
    plain = re.sub(r"\x1b\[\d*m", "", written)
    lines = [line for line in re.split(r"[\r\n]+|\x1b\[K", plain) if line]
    steps = [line for line in lines if line.startswith("epoch ")]
    assert len(steps) == 4 * 5 and all(re.search(r"\d+:\d\d left$", line) for line in steps)
    own = [line for line in lines if str(os.sep) + "run" not in line and "features: " not in line]
    assert all(len(line) < 80 for line in own if not line.startswith("  ")), own
    assert "\x1b[32m" in written


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_there_is_no_colour_where_none_is_wanted(on_terminal, environment):
    assert "\x1b[32m" not in on_terminal(**environment)
