"""What folders mean: splits in their usual spellings, and what looks like splits but is none."""

import json
import shutil

import pytest
from kit import (CLASSES, base_config, draw, draw_data, read_csv, refuse, refused, run, train,
                 write_config)

COUNTS = (4, 4, 4)


def parts(root, *names, counts=COUNTS):
    for seed, name in enumerate(names):
        draw_data(root / name, counts=counts, seed=seed)
    return root


def split_of(folder):
    rows = read_csv(folder / "split.csv")
    assert {row["class"] for row in rows} == set(CLASSES)
    return {row["path"]: row["split"] for row in rows}


@pytest.mark.parametrize("names", [("Training", "Validation", "Testing"), ("train", "dev", "test"),
                                   ("training", "valid")])
def test_usual_spellings_are_splits(tmp_path, backbone, names):
    root = parts(tmp_path / "data", *names)
    train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run", "--set",
          "train.epochs=1")
    splits = split_of(tmp_path / "run")
    for name, split in zip(names, ("train", "val", "test")):
        assert {value for path, value in splits.items() if path.startswith(name)} == {split}
    judged = run("tl-eval", tmp_path / "run", "--data", root, "--split", "train", "--json",
                 "--output", tmp_path / "out")
    assert json.loads(judged.stdout)["n"] == 12


def test_val_is_drawn_from_train_and_said(tmp_path, backbone):
    root = parts(tmp_path / "data", "Training", "Testing")
    done = train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run", "--set",
                 "train.epochs=1")
    assert "no folder of validation images: 25 %" in done.stderr
    splits = split_of(tmp_path / "run")
    assert {value for path, value in splits.items() if path.startswith("Test")} == {"test"}
    assert [list(splits.values()).count(split) for split in ("train", "val", "test")] == [9, 3, 12]


def test_splits_within_classes_are_splits(tmp_path, backbone):
    root = tmp_path / "data"
    for seed, split in enumerate(("train", "val")):
        draw_data(tmp_path / split, counts=COUNTS, seed=seed)
        for name in CLASSES:
            shutil.move(tmp_path / split / name, root / name / split)
    train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run", "--set",
          "train.epochs=1")
    for path, split in split_of(tmp_path / "run").items():
        assert path.split("/")[1] == split


@pytest.mark.parametrize("names, words", [
    (("val", "test"), "none called train"), (("fold1", "fold2"), "fold1, fold2"),
    (("images", "masks"), "look like parts"), (("fold1", "fold2", "fold3"), "blue, green, red"),
    (("train", "val", "valid"), "are both the val split")])
def test_other_layouts_stop_with_what_was_seen(tmp_path, backbone, names, words):
    root = parts(tmp_path / "data", *names)
    refuse(tmp_path, base_config(root, backbone), 3, words, root)
    refused(run("tl-inspect", "--data", root, code=3), words)


def test_an_empty_class_and_one_absent_from_test_are_said(tmp_path, backbone):
    root = parts(tmp_path / "data", "train", "val", "test")
    shutil.rmtree(root / "test" / "green")
    (root / "train" / "yellow").mkdir()
    done = train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run", "--set",
                 "train.epochs=1")
    assert "class folder without any file (train/yellow)" in done.stderr
    assert "without an image in some split (green)" in done.stderr


def test_classes_that_differ_only_in_form_are_warned_of(tmp_path, backbone):
    root = draw_data(tmp_path / "data")
    for i, name in enumerate(("caf\u00e9", "cafe\u0301")):
        for k in range(5):
            draw(root / name / f"{k}.png", "red", 500 + 10 * i + k)
    done = run("tl-inspect", "--data", root)
    assert "differ only in Unicode form" in done.stdout
    config = write_config(tmp_path, base_config(root, backbone))
    assert "differ only in Unicode form" in train(config, tmp_path / "run", "--dry-run").stderr


def test_twins_between_splits_are_named(tmp_path, backbone):
    root = parts(tmp_path / "data", "train", "val")
    (root / "val" / "red").rename(root / "val" / "Red")
    refuse(tmp_path, base_config(root, backbone), 3, "differs from it only in upper and lower case")


def test_inspect_lists_all_faults(tmp_path, backbone):
    root = parts(tmp_path / "data", "train", "val")
    shutil.rmtree(root / "val" / "green")
    for file in sorted((root / "train" / "red").iterdir())[1:]:
        file.unlink()
    faults = json.loads(run("tl-inspect", "--data", root, "--json").stdout)["data"]["faults"]
    assert {fault["kind"] for fault in faults} == {"absent_class", "few_images"}
    root = draw_data(tmp_path / "other", counts=(12, 2, 1))
    faults = json.loads(run("tl-inspect", "--data", root, "--json").stdout)["data"]["faults"]
    assert {fault["kind"] for fault in faults} >= {"absent_class", "few_images"}


def test_copies_stay_in_one_split_and_all_pairs_are_listed(tmp_path, backbone):
    root = draw_data(tmp_path / "data", counts=(20, 20, 20))
    for i in range(0, 20, 2):
        shutil.copy(root / "red" / f"{i:02}.jpg", root / "red" / f"{i:02}_copy.jpg")
    result = json.loads(run("tl-inspect", "--data", root, "--json").stdout)["data"]
    assert [fault["kind"] for fault in result["faults"]] == ["repeated"]
    assert len(result["faults"][0]["cases"]) == 10
