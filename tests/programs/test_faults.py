"""Faults of a data set that cost accuracy silently: tl-inspect lists and tl-train warns of them."""

import json
import shutil

import pytest
from kit import base_config, draw, draw_data, read_csv, run, train, write_config
from PIL import Image


@pytest.fixture
def sound(tmp_path):
    """A data set with splits of its own and without a fault."""
    root = tmp_path / "data"
    for seed, (split, counts) in enumerate([("train", (6, 6, 6)), ("val", (3, 3, 3)),
                                            ("test", (3, 3, 3))]):
        draw_data(root / split, counts=counts, seed=seed)
    return root


def in_two_splits(root):
    shutil.copy(root / "train" / "red" / "00.jpg", root / "test" / "red" / "copy.jpg")
    return ["1 image is in more than one split"], {"train/red/00.jpg", "test/red/copy.jpg"}


def in_two_classes(root):
    shutil.copy(root / "train" / "blue" / "01.png", root / "train" / "red" / "copy.png")
    return ["1 image is in more than one class"], {"train/blue/01.png", "train/red/copy.png"}


def repeated(root):
    for name in ("again.jpg", "once more.jpg"):
        shutil.copy(root / "val" / "red" / "00.jpg", root / "val" / "red" / name)
    return ["2 of 38 images repeat another one"], {f"val/red/{name}" for name in
                                     ("00.jpg", "again.jpg", "once more.jpg")}


def few_images(root):
    for name in ("00.jpg", "01.png"):
        (root / "test" / "green" / name).unlink()
    return ["1 class with fewer than", "(green)"], {"test/green/02.jpg"}


def imbalance(root):
    for i in range(6, 60):
        draw(root / "train" / "red" / f"{i:02}.png", "red", 7000 + i)
    return ["from 6 training images (blue) to 60 (red)", "train.loss.class_weights"], \
        {"test/blue/00.jpg", "test/red/00.jpg"}


def small_images(root):
    Image.new("RGB", (70, 15), (3, 2, 1)).save(root / "train" / "red" / "thin.png")
    Image.new("RGB", (12, 12), (3, 2, 1)).save(root / "val" / "red" / "tiny.bmp")
    return ["2 of 38 images are far below the network's 32 x 32 pixels", "shorter side of 12"], \
        {"train/red/thin.png", "val/red/tiny.bmp"}


FAULTS = [in_two_splits, in_two_classes, repeated, few_images, imbalance, small_images]


def faults_of(*arguments):
    return json.loads(run("tl-inspect", *arguments, "--json").stdout)["data"]["faults"]


def warnings_of(done):
    return [line for line in done.stderr.splitlines() if " warn  data: " in line]


def test_a_sound_data_set_has_none(sound, data, backbone, finished):
    assert faults_of(backbone, "--data", sound) == []
    assert faults_of(backbone, "--data", data) == []
    assert "fault" not in run("tl-inspect", backbone, "--data", sound).stdout
    assert warnings_of(finished[1]) == []


@pytest.mark.parametrize("make", FAULTS, ids=lambda make: make.__name__)
def test_each_fault_is_listed_and_warned_of(tmp_path, sound, backbone, make):
    words, paths = make(sound)
    fault, = faults_of(backbone, "--data", sound)
    assert fault["kind"] == make.__name__ and set(fault["paths"]) == paths
    assert all(word in fault["message"] for word in words)

    table, listed = run("tl-inspect", backbone, "--data", sound).stdout.split("\n  1 fault\n")
    assert "all 3" in table and fault["message"] in listed

    config = write_config(tmp_path, base_config(sound, backbone))
    warning, = warnings_of(train(config, tmp_path / "run", "--dry-run"))
    assert fault["message"] in warning and all(path in warning for path in paths)


def test_all_faults_at_once_stop_no_training(tmp_path, sound, backbone):
    for make in FAULTS:
        make(sound)
    config = write_config(tmp_path, base_config(sound, backbone))
    done = train(config, tmp_path / "run", "--set", "train.epochs=1")
    assert len(warnings_of(done)) == len(FAULTS)
    assert done.stderr.rindex(" warn  data: ") < done.stderr.index("info    1/1 ")
    rows = read_csv(tmp_path / "run" / "faults.csv")
    assert len({row["kind"] for row in rows}) == len(FAULTS)
    assert all((sound / row["path"]).is_file() for row in rows if row["path"])


def test_the_report_keeps_every_pair(tmp_path, sound, backbone):
    for name in ("00.jpg", "02.jpg"):
        shutil.copy(sound / "train" / "red" / name, sound / "test" / "red" / f"copy of {name}")
    folder = tmp_path / "run"
    config = write_config(tmp_path, base_config(sound, backbone))
    train(config, folder, "--set", "train.epochs=1")
    pairs = [{f"train/red/{name}", f"test/red/copy of {name}"} for name in ("00.jpg", "02.jpg")]

    def kept():
        fault, = json.loads((folder / "report.json").read_text())["faults"]
        assert fault["kind"] == "in_two_splits"
        page = (folder / "report.html").read_text().replace("<wbr>", "")
        assert fault["message"] in page and all(path in page for pair in pairs for path in pair)
        return sorted((set(case["paths"]) for case in fault["cases"]), key=min)

    pairs.sort(key=min)
    assert kept() == pairs
    cases = {}
    for row in read_csv(folder / "faults.csv"):
        cases.setdefault(row["case"], set()).add(row["path"])
    assert sorted(cases.values(), key=min) == pairs
    run("tl-eval", folder)
    assert kept() == pairs


def test_copies_stay_in_one_split_where_the_split_is_ours(tmp_path, data, backbone):
    root = shutil.copytree(data, tmp_path / "data")
    for name in ("00.jpg", "03.png", "06.jpg", "08.jpg"):
        shutil.copy(root / "red" / name, root / "red" / f"copy of {name}")
    config = write_config(tmp_path, base_config(root, backbone))
    for seed in (1, 2, 3):
        train(config, tmp_path / f"{seed}", "--set", f"train.seed={seed}", "--set",
              "train.epochs=1")
        split = {row["path"]: row["split"] for row in read_csv(tmp_path / f"{seed}" / "split.csv")}
        for name in ("00.jpg", "03.png", "06.jpg", "08.jpg"):
            assert split[f"red/{name}"] == split[f"red/copy of {name}"]


def test_tl_inspect_lists_all_that_would_stop_a_training(sound, backbone):
    shutil.rmtree(sound / "val" / "blue")
    shutil.rmtree(sound / "test" / "green")
    for image in sorted((sound / "train" / "red").iterdir())[2:]:
        image.unlink()
    kinds = {fault["kind"]: fault for fault in faults_of(backbone, "--data", sound)}
    assert {case["detail"] for case in kinds["absent_class"]["cases"]} == \
        {"0 images in val", "0 images in test"}
    assert kinds["few_images"]["cases"][0]["detail"] == "2 images in train"


def test_without_a_network_no_image_is_too_small(sound, backbone):
    small_images(sound)
    assert faults_of("--data", sound) == []
    assert len(faults_of(backbone, "--data", sound)) == 1


def test_many_examples_are_three(sound, backbone):
    for i in range(20):
        Image.new("RGB", (9, 9), (i, i, i)).save(sound / "train" / "red" / f"tiny {i}.png")
    fault, = faults_of(backbone, "--data", sound)
    assert len(fault["paths"]) == 3 and fault["message"].startswith("20 of 56 images")


def test_a_warning_is_one_line_whatever_the_names_are(tmp_path, sound, backbone):
    shutil.copy(sound / "train" / "red" / "00.jpg", sound / "test" / "red" / "a\nb\x1b[31m.jpg")
    fault, = faults_of(backbone, "--data", sound)
    assert "test/red/a\nb\x1b[31m.jpg" in fault["paths"]  # as it is, for programs
    config = write_config(tmp_path, base_config(sound, backbone))
    done = train(config, tmp_path / "run", "--dry-run")
    assert "test/red/a?b?[31m.jpg" in warnings_of(done)[0]
    assert "a?b?[31m.jpg" in run("tl-inspect", "--data", sound).stdout


def test_a_resumed_run_warns_of_copies_again(tmp_path, sound, backbone):
    """The split is read back, the images' bytes are read again, their sizes are not."""
    in_two_splits(sound)
    small_images(sound)
    folder = tmp_path / "run"
    config = write_config(tmp_path, base_config(sound, backbone))
    assert len(warnings_of(train(config, folder, "--set", "train.epochs=1"))) == 2
    for name in ("model.pt", "report.json"):
        (folder / name).unlink()
    warning, = warnings_of(train(config, folder, "--resume", "--set", "train.epochs=1"))
    assert "in more than one split" in warning
