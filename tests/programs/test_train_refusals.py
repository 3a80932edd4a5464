"""What tl-train says to bad input: exit code, what, where and a hint; and nothing is written."""

import os
import re
import subprocess

import numpy as np
import pytest
import torch
from kit import (base_config, changed, command, draw, draw_data, export, read_csv, refuse, refused,
                 run, tiny_network, train, write_config)
from PIL import Image


# --- the command line and the config ---------------------------------------------------------

def test_no_config_is_a_usage_error(tmp_path):
    done = run("tl-train", cwd=tmp_path, code=2)
    assert done.stdout == "" and "--config is required" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_flag_is_a_usage_error(tmp_path, config):
    done = train(write_config(tmp_path, config), tmp_path / "run", "--epochs", "3", code=2)
    assert done.stdout == "" and "--epochs" in done.stderr
    assert not (tmp_path / "run").exists()


def test_resume_and_force_exclude_each_other(tmp_path, config):
    done = train(write_config(tmp_path, config), tmp_path / "run", "--resume", "--force", code=2)
    assert "--resume" in done.stderr and "--force" in done.stderr


def test_a_missing_config(tmp_path):
    refuse(tmp_path, tmp_path / "absent.json", 2, "can't read", tmp_path / "absent.json")


def test_a_folder_as_config(tmp_path):
    refuse(tmp_path, tmp_path, 2, "can't read", tmp_path, "hint")


def test_broken_json_is_placed_by_line_and_column(tmp_path):
    text = '{\n  "data": {"root": "x"},\n  "backbone": {"file": "y",, }\n}\n'
    refuse(tmp_path, text, 2, "broken JSON", f"{tmp_path}/experiment.json:3:28")


def test_a_config_cut_off(tmp_path):
    refuse(tmp_path, '{"data": {"root": "x"', 2, "broken JSON", "experiment.json:1:")


@pytest.mark.parametrize("change, words", [
    ({"train__epoch": 3}, ["unknown key train.epoch", 'did you mean "epochs"?']),
    ({"trian": {}}, ["unknown key trian", 'did you mean "train"?']),
    ({"train__optimizer": {"name": "adam", "momentum": 0.5}}, ["train.optimizer.momentum"]),
    ({"train__optimizer": {"name": "adagrad"}}, ["train.optimizer.name", '"adagrad"', '"adamw"']),
    ({"train__epochs": "ten"}, ["train.epochs", '"ten"', "an integer"]),
    ({"train__epochs": 2.5}, ["train.epochs", "2.5", "an integer"]),
    ({"train__epochs": 0}, ["train.epochs is 0", "from 1 to 100000"]),
    ({"head__dropout": 1.0}, ["head.dropout is 1.0", "below 1"]),
    ({"head__hidden": [64, -1]}, ["head.hidden[1] is -1"]),
    ({"data__val": -0.1}, ["data.val is -0.1", "above 0"]),
    ({"data__val": 0.6, "data__test": 0.5}, ["data.val is 0.6", "data.test is 0.5", "below 1"]),
    ({"data": {"val": 0.2}}, ["data.root is missing"]),
    ({"data": []}, ["data is []", "an object"]),
    ({"backbone__init": "scrach"}, ["backbone.init", '"scrach"', 'did you mean "scratch"?']),
    ({"augment__crop": {"scale": [0.9, 0.5]}}, ["augment.crop.scale", "[0.9,0.5]", "swap"]),
    ({"train__loss": {"class_weights": [1.0, 2.0]}}, ["2 weights for 3 classes", "blue, green, red"]),
    ({"backbone__freeze": 4}, ["the backbone has 3 layers", "4", "backbone.freeze"]),
    ({"backbone__freeze": "features.3"}, ['no layer "features.3"', "backbone.freeze"]),
    ({"backbone__freeze": "featurs"}, ['no layer "featurs"', 'did you mean "features"?']),
    ({"backbone__freeze": "All"}, ['no layer "All"', 'did you mean "all"?']),
    ({"train__optimizer": "adamm"}, ['write {"name":"adam"}']),
    ({"epochs": 3}, ["unknown key epochs", "It is train.epochs"]),
    ({"device": "gpu"}, ["device", '"gpu"', '"cuda"']),
])
def test_a_key_that_is_wrong(tmp_path, config, change, words):
    refuse(tmp_path, changed(config, **change), 2, *words)


def test_a_key_given_twice(tmp_path, data, backbone):
    text = (f'{{"data": {{"root": "{data}"}}, "backbone": {{"file": "{backbone}"}},\n'
            '"train": {"epochs": 2, "epochs": 3}}')
    refuse(tmp_path, text, 2, "train.epochs is given twice", "experiment.json")


@pytest.mark.parametrize("override, words", [
    ("train.epochs", ["KEY=JSON"]),
    ("=3", ["KEY=JSON"]),
    ("train.epoch=3", ["unknown key train.epoch"]),
    ("train.epochs=ten", ["train.epochs", '"ten"']),
    ("head={\"dropout\":0.1,\"dropout\":0.2}", ["dropout is given twice"]),
])
def test_a_wrong_override_is_named(tmp_path, config, override, words):
    refuse(tmp_path, config, 2, f"--set {override}", *words, arguments=["--set", override])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_cuda_where_there_is_none(tmp_path, config, device):
    refuse(tmp_path, config, 2, f"no device {device}", "take auto or cpu (--device)",
           arguments=["--device", device])
    refuse(tmp_path, changed(config, device=device), 2, f"no device {device}")


@pytest.mark.parametrize("device", ["tpu", "cpu:x", "xla"])
def test_a_device_that_is_none(tmp_path, config, device):
    refuse(tmp_path, config, 2, f'unknown device "{device}"', arguments=["--device", device])


# --- the data --------------------------------------------------------------------------------

def test_a_missing_data_folder(tmp_path, backbone):
    refuse(tmp_path, base_config(tmp_path / "absent", backbone), 3, tmp_path / "absent")


def test_an_empty_data_folder(tmp_path, backbone):
    (tmp_path / "data").mkdir()
    refuse(tmp_path, base_config(tmp_path / "data", backbone), 3, "class folders", "found none",
           tmp_path / "data")


def test_one_class(tmp_path, backbone):
    draw_data(tmp_path / "data", counts=(4, 0, 0))
    refuse(tmp_path, base_config(tmp_path / "data", backbone), 3, "at least two class", "only blue")


def test_a_class_without_images(tmp_path, backbone):
    draw_data(tmp_path / "data", counts=(8, 8, 0))
    (tmp_path / "data" / "red").mkdir()
    (tmp_path / "data" / "red" / "notes.txt").write_text("no image")
    refuse(tmp_path, base_config(tmp_path / "data", backbone), 3, '"red" has no usable image')


def test_a_class_too_small_to_be_split(tmp_path, backbone):
    draw_data(tmp_path / "data", counts=(8, 8, 1))
    refuse(tmp_path, base_config(tmp_path / "data", backbone), 3, '"red" has too few images')


def test_a_class_absent_from_a_split(tmp_path, backbone):
    draw_data(tmp_path / "data" / "train", counts=(4, 4, 4))
    draw_data(tmp_path / "data" / "val", counts=(4, 0, 4), seed=1)
    refuse(tmp_path, base_config(tmp_path / "data", backbone), 3,
           '"green" has no usable image in val/')


def test_train_without_val(tmp_path, backbone):
    draw_data(tmp_path / "data" / "train", counts=(4, 4, 4))
    refuse(tmp_path, base_config(tmp_path / "data", backbone), 3, "folder train", "val")


def spoil(root):
    """Three files that are no images, of three kinds."""
    (root / "red" / "empty.jpg").write_bytes(b"")
    (root / "red" / "text.png").write_text("not a picture")
    whole = draw(root / "red" / "cut.jpg", "red", 99).read_bytes()
    (root / "red" / "cut.jpg").write_bytes(whole[:200])
    return {"red/empty.jpg", "red/text.png", "red/cut.jpg"}


def test_bad_images_are_skipped_warned_of_and_listed(tmp_path, backbone):
    spoilt = spoil(draw_data(tmp_path / "data"))
    file = write_config(tmp_path, base_config(tmp_path / "data", backbone))
    done = train(file, tmp_path / "run")
    skipped = read_csv(tmp_path / "run" / "skipped.csv")
    assert {row["path"] for row in skipped} == spoilt
    assert all(row["reason"] for row in skipped)
    assert all(f"skipped {path}: " in done.stderr for path in spoilt)
    assert not spoilt & {row["path"] for row in read_csv(tmp_path / "run" / "split.csv")}


def test_a_bad_image_can_be_fatal(tmp_path, backbone):
    spoil(draw_data(tmp_path / "data"))
    config = changed(base_config(tmp_path / "data", backbone), data__on_bad_image="fail")
    refuse(tmp_path, config, 3, "bad image", tmp_path / "data" / "red", "data.on_bad_image")


@pytest.mark.parametrize("changes, code", [({"backbone__freeze": "nowhere"}, 2),
                                           ({"train__loss": {"class_weights": [1, 2]}}, 2)])
def test_an_error_does_not_wait_for_the_check_of_the_images(tmp_path, backbone, changes, code):
    root = draw_data(tmp_path / "data")
    pixels = np.random.default_rng(1).integers(0, 256, (1500, 1500, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(root / "red" / "large.png", compress_level=1)
    for i in range(600):
        os.link(root / "red" / "large.png", root / "red" / f"large {i}.png")
    done = refuse(tmp_path, changed(base_config(root, backbone), **changes), code,
                  arguments=("--progress", "always"))
    told = [int(n) for n in re.findall(r"checking \S+ (\d+)/637", done.stderr)]
    assert max(told, default=0) < 600


# --- the output folder -----------------------------------------------------------------------

def test_a_file_in_the_place_of_the_output(tmp_path, config):
    (tmp_path / "taken").write_text("mine")
    file = write_config(tmp_path, config)
    refused(train(file, tmp_path / "taken", code=2), "no folder", tmp_path / "taken", "--output")
    refused(train(file, tmp_path / "taken" / "run", code=2), tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_of_something_else_is_left_alone(tmp_path, config):
    """A config.json alone makes no run: --force must not delete a folder of someone's work."""
    work = tmp_path / "work"
    work.mkdir()
    write_config(work, config, "config.json")
    (work / "thesis.txt").write_text("mine")
    for flags in ([], ["--force"], ["--resume"]):
        refused(train(work / "config.json", work, *flags, code=2), "no run", work, "--output")
    assert (work / "thesis.txt").read_text() == "mine"


# --- training itself -------------------------------------------------------------------------

def test_a_loss_that_is_not_finite(tmp_path, config):
    wild = changed(config, train__optimizer={"name": "sgd", "lr": 1e30}, backbone__freeze="none")
    done = train(write_config(tmp_path, wild), tmp_path / "run", code=5)
    refused(done, "not a finite number", "epoch 1, step", "train.optimizer.lr")
    written = {file.name for file in (tmp_path / "run").iterdir()}
    assert not written & {"model.pt", "report.json", "metrics.jsonl"}


def test_a_loss_beyond_all_reason(tmp_path, config):
    """Finite, so that one epoch would be the best of them."""
    wild = changed(config, train__optimizer={"name": "adam", "lr": 1e30})
    done = train(write_config(tmp_path, wild), tmp_path / "run", code=5)
    refused(done, "the training has diverged", "epoch 1", "train.optimizer.lr")
    assert not (tmp_path / "run" / "model.pt").exists()


def test_weights_that_are_no_numbers(tmp_path, data):
    network = tiny_network()
    network.features[1][0].weight.data[0, 0] = float("nan")
    file = write_config(tmp_path, base_config(data, export(network, tmp_path / "nan.pt")))
    refused(train(file, tmp_path / "run", code=5), "not a finite number", "epoch 1, step 1",
            "backbone's weights")


def test_a_last_step_that_spoils_the_weights(tmp_path, config):
    """One step an epoch: its loss is still finite, what it leaves is not."""
    wild = changed(config, train__optimizer={"name": "sgd", "lr": 1e30}, train__batch_size=64,
                   train__epochs=1, backbone__freeze="none")
    done = train(write_config(tmp_path, wild), tmp_path / "run", code=5)
    refused(done, "not a finite number", "epoch 1", "train.optimizer.lr")
    assert not (tmp_path / "run" / "model.pt").exists()


def test_json_changes_nothing_about_errors(tmp_path, config):
    refuse(tmp_path, changed(config, train__epochs=0), 2, "train.epochs", arguments=["--json"])


def test_a_class_name_that_is_no_text(tmp_path, backbone):
    root = draw_data(tmp_path / "data")
    os.rename(root / "red", os.fsencode(root) + b"/caf\xe9")
    refused(train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run", code=3),
            "is not UTF-8", root, "rename")
    assert not (tmp_path / "run").exists()


def test_a_result_that_can_not_be_written(config, tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("tl-train", "--config", write_config(tmp_path, config), "--dry-run"),
            stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 5 and "can't write the result" in done.stderr
