"""tl-eval and tl-predict, on a run and on any classifier."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
import torch
from kit import (CLASSES, changed, draw, draw_data, read_csv, refused, run, tiny_network,
                 export, train, write_config)

REPORT_FILES = {"report.json", "report.html", "confusion.csv", "predictions.csv"}


@pytest.fixture(scope="module")
def model(finished):
    return finished[0] / "model.pt"


@pytest.fixture
def names(tmp_path):
    """Names for the four outputs of the tiny network."""
    file = tmp_path / "names.txt"
    file.write_text("blue\ngreen\nred\nyellow\n")
    return file


@pytest.fixture(scope="module")
def fresh_data(tmp_path_factory):
    """Other images of the same classes."""
    return draw_data(tmp_path_factory.mktemp("fresh") / "colours", counts=(5, 5, 5), seed=3)


# --- tl-eval ---------------------------------------------------------------------------------

def nearly(value):
    """Another engine may have computed it: last digits differ."""
    if isinstance(value, dict):
        return {key: nearly(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [nearly(inner) for inner in value]
    return pytest.approx(value, abs=1e-4) if isinstance(value, float) else value


def predictions_of(folder):
    return [{key: text if key in ("path", "label", "prediction") else float(text)
             for key, text in row.items()} for row in read_csv(folder / "predictions.csv")]


def test_eval_of_a_run_repeats_its_report(tmp_path, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    for name in REPORT_FILES:
        (folder / name).unlink()
    done = run("tl-eval", folder)
    reports = [json.loads((place / "report.json").read_text()) for place in (folder, finished[0])]
    for report in reports:
        report.pop("run")  # the report alone kept that
    assert reports[0] == nearly(reports[1])
    assert predictions_of(folder) == nearly(predictions_of(finished[0]))
    assert (folder / "confusion.csv").read_text() == (finished[0] / "confusion.csv").read_text()
    top1 = json.loads((folder / "report.json").read_text())["top1"]
    assert f"test: accuracy {top1:.4f}" in done.stdout and "report.html" in done.stdout
    assert (folder / "report.html").exists()


def test_one_model_has_one_score(tmp_path, config):
    """Trained in bf16, judged in fp32 by both programs; and a second run computes nothing anew."""
    low = write_config(tmp_path, changed(config, features={"precision": "bf16", "views": 1},
                                         train__precision="bf16"))
    train(low, tmp_path / "run")
    before = predictions_of(tmp_path / "run")
    run("tl-eval", tmp_path / "run")
    assert predictions_of(tmp_path / "run") == nearly(before)
    assert "features: 0 computed" in train(low, tmp_path / "again").stderr


@pytest.mark.parametrize("split, n", [("train", 18), ("val", 9), ("test", 9), ("all", 36)])
def test_eval_of_each_split(tmp_path, finished, split, n):
    done = run("tl-eval", finished[0], "--split", split, "--output", tmp_path / "out", "--json")
    result = json.loads(done.stdout)
    assert result["split"] == split and result["n"] == n
    assert {file.name for file in (tmp_path / "out").iterdir()} == REPORT_FILES
    rows = read_csv(tmp_path / "out" / "predictions.csv")
    splits = {row["path"]: row["split"] for row in read_csv(finished[0] / "split.csv")}
    assert len(rows) == n and all(split in ("all", splits[row["path"]]) for row in rows)


def test_eval_without_a_test_split_says_so(tmp_path, config):
    train(write_config(tmp_path, changed(config, data__test=0, train__epochs=1)), tmp_path / "run")
    done = run("tl-eval", tmp_path / "run", "--json")
    assert json.loads(done.stdout)["split"] == "val" and "no test split" in done.stderr
    refused(run("tl-eval", tmp_path / "run", "--split", "test", code=3), "no images in split test")


def test_eval_of_a_model_file_on_other_data(tmp_path, model, fresh_data):
    done = run("tl-eval", model, "--data", fresh_data, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["n"] == 15
    assert list(tmp_path.iterdir()) == []  # no report where none was asked for
    run("tl-eval", model, "--data", fresh_data, "--output", tmp_path / "deep" / "out")
    assert {file.name for file in (tmp_path / "deep" / "out").iterdir()} == REPORT_FILES


def test_eval_on_a_subset_of_the_classes(model, tmp_path):
    data = draw_data(tmp_path / "data", counts=(0, 4, 4))
    result = json.loads(run("tl-eval", model, "--data", data, "--json").stdout)
    assert {entry["name"]: entry["support"] for entry in result["classes"]} == {
        "blue": 0, "green": 4, "red": 4}


def test_eval_takes_the_splits_that_the_data_has(tmp_path, model):
    for seed, split in enumerate(("train", "val")):
        draw_data(tmp_path / "data" / split, counts=(2, 3, 4), seed=seed)
    done = run("tl-eval", model, "--data", tmp_path / "data", "--json")
    assert json.loads(done.stdout)["split"] == "val" and json.loads(done.stdout)["n"] == 9


def test_all_images_are_no_split(tmp_path, finished):
    folder = tmp_path / "report"
    done = run("tl-eval", finished[0], "--split", "all", "--output", folder)
    assert done.stdout.startswith("all images: accuracy ")
    assert "Evaluation on all images" in (folder / "report.html").read_text()


def test_eval_warns_of_bad_images(tmp_path, model):
    data = draw_data(tmp_path / "data", counts=(3, 3, 3))
    (data / "red" / "bad.jpg").write_text("no image")
    done = run("tl-eval", model, "--data", data, "--json")
    assert "skipped red/bad.jpg: " in done.stderr and json.loads(done.stdout)["n"] == 9


def test_eval_of_a_plain_classifier(backbone, fresh_data, names):
    """Four outputs, three of them in the data; the score is what PyTorch's argmax gives."""
    result = json.loads(run("tl-eval", backbone, "--data", fresh_data, "--classes", names,
                            "--json").stdout)
    assert [entry["name"] for entry in result["classes"]] == [*CLASSES, "yellow"]
    assert result["n"] == 15


def test_eval_needs_class_names(backbone, fresh_data):
    refused(run("tl-eval", backbone, "--data", fresh_data, code=4), "classes", backbone,
            "--classes")


def test_eval_with_a_wrong_number_of_names(tmp_path, backbone, fresh_data):
    (tmp_path / "names.txt").write_text("blue\ngreen\nred\n")
    done = run("tl-eval", backbone, "--data", fresh_data, "--classes", tmp_path / "names.txt",
               code=4)
    refused(done, "3 class names for 4 outputs", "names.txt")


def test_eval_with_a_missing_file_of_names(tmp_path, backbone, fresh_data):
    done = run("tl-eval", backbone, "--data", fresh_data, "--classes", tmp_path / "absent", code=2)
    refused(done, tmp_path / "absent")


def test_eval_where_the_folders_are_no_classes(tmp_path, model):
    data = draw_data(tmp_path / "data", counts=(2, 2, 2))
    (data / "green").rename(data / "greeen")
    done = run("tl-eval", model, "--data", data, "--output", tmp_path / "out", code=3)
    refused(done, '"greeen" is no class', data / "greeen", 'is it "green"?')
    assert not (tmp_path / "out").exists()


def test_eval_refusals(tmp_path, model, finished, fresh_data):
    refused(run("tl-eval", model, code=2), "without data", "--data DIR")
    refused(run("tl-eval", model, "--data", tmp_path / "absent", code=3), tmp_path / "absent")
    refused(run("tl-eval", tmp_path / "absent.pt", "--data", fresh_data, code=4), "no such file")
    refused(run("tl-eval", tmp_path, "--data", fresh_data, code=2), "no run", tmp_path)
    (tmp_path / "taken").write_text("mine")
    refused(run("tl-eval", finished[0], "--output", tmp_path / "taken", code=2), tmp_path / "taken")
    refused(run("tl-eval", model, "--data", fresh_data, "--split", "val", code=3), "split val")
    assert run("tl-eval", model, "--split", "tset", code=2).stdout == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_where_there_is_none(finished, fresh_data):
    refused(run("tl-eval", finished[0], "--device", "cuda", code=2), "no device cuda")
    refused(run("tl-predict", finished[0], fresh_data, "--device", "cuda", code=2),
            "no device cuda")


def test_eval_where_the_data_is_gone(tmp_path, config):
    data = draw_data(tmp_path / "data")
    file = write_config(tmp_path, changed(config, data__root=str(data), train__epochs=1))
    train(file, tmp_path / "run")
    report = (tmp_path / "run" / "report.json").read_bytes()
    shutil.rmtree(data)
    refused(run("tl-eval", tmp_path / "run", code=3), data)
    assert (tmp_path / "run" / "report.json").read_bytes() == report


def test_eval_of_a_model_that_gives_no_numbers(tmp_path, fresh_data, names):
    network = tiny_network()
    network.fc.bias.data.fill_(float("nan"))
    file = export(network, tmp_path / "nan.pt")
    done = run("tl-eval", file, "--data", fresh_data, "--classes", names, "--output",
               tmp_path / "out", code=4)
    refused(done, "not finite")
    assert not (tmp_path / "out" / "report.json").exists()
    refused(run("tl-predict", file, fresh_data, "--classes", names, code=4), "not finite")


def test_eval_counts_what_softmax_can_not_hold(tmp_path, fresh_data, names):
    """Sure and wrong: the loss comes from the logits, where a probability would be 0."""
    network = tiny_network()
    network.fc.weight.data.zero_()
    network.fc.bias.data = torch.tensor([0.0, 0.0, 0.0, 60.0])
    file = export(network, tmp_path / "sure.pt")
    done = run("tl-eval", file, "--data", fresh_data, "--classes", names, "--json")
    assert json.loads(done.stdout)["nll"] == pytest.approx(60, abs=1e-3)


# --- tl-eval on other images -----------------------------------------------------------------

@pytest.fixture
def own_run(tmp_path, finished):
    return shutil.copytree(finished[0], tmp_path / "run")


def own_report(folder):
    return {name: (folder / name).read_bytes() for name in REPORT_FILES}


def test_a_runs_own_report_goes_on_saying_how_it_was_trained(own_run):
    before = json.loads((own_run / "report.json").read_text())["run"]
    run("tl-eval", own_run)
    after = json.loads((own_run / "report.json").read_text())["run"]
    kept = [name for name in before if name not in ("Device", "Date")]
    assert "Best epoch" in kept and "Training images" in kept
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert "Best epoch" in (own_run / "report.html").read_text()


def test_another_evaluation_never_replaces_the_report_of_a_run(tmp_path, own_run, fresh_data):
    before = own_report(own_run)
    run("tl-eval", own_run, "--split", "val")
    done = run("tl-eval", own_run, "--data", fresh_data, "--json")
    result = json.loads(done.stdout)
    assert result["split"] == "all" and result["n"] == 15 and result["trained_on"] == 0
    refused(run("tl-eval", own_run, "--data", fresh_data, "--output", own_run, code=2),
            "report of a run", own_run, "--output")
    run("tl-eval", own_run, "--data", fresh_data)  # again: replaced
    assert own_report(own_run) == before
    folders = {file.name: json.loads((file / "report.json").read_text())
               for file in own_run.glob("eval-*")}
    assert folders.keys() == {"eval-val", f"eval-all-{fresh_data.name}"}
    assert {report["n"] for report in folders.values()} == {9, 15}


def test_the_split_of_a_run_follows_its_images(tmp_path, own_run, data):
    """Other names, and other images among them: what counts is the content."""
    splits = {row["path"]: row["split"] for row in read_csv(own_run / "split.csv")}
    moved = tmp_path / "moved"
    for path in splits:
        target = moved / path.replace(".", " moved.")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data / path, target)
    whole = json.loads(run("tl-eval", own_run, "--data", moved, "--json").stdout)
    assert whole["split"] == "test" and whole["n"] == 9 and whole["trained_on"] == 0
    own = json.loads((own_run / "report.json").read_text())
    assert whole["top1"] == own["top1"] and whole["nll"] == pytest.approx(own["nll"], abs=1e-4)

    draw(moved / "red" / "new.png", "red", 77)
    mixed = run("tl-eval", own_run, "--data", moved, "--json")
    result = json.loads(mixed.stdout)
    assert result["split"] == "all" and result["n"] == 37 and result["trained_on"] == 18
    assert "trained on 18 of the 37 images" in mixed.stderr
    rows = read_csv(own_run / "eval-all-moved" / "split.csv")
    assert [row["path"] for row in rows if row["split"] == "new"] == ["red/new.png"]
    assert sum(row["split"] == "train" for row in rows) == 18
    test = run("tl-eval", own_run, "--data", moved, "--split", "test", "--json")
    assert json.loads(test.stdout)["n"] == 9
    assert "judged: 9 of 37 images" in test.stderr
    assert "the run had 18 train, 9 val, 9 test, 1 new" in test.stderr


def test_no_split_is_guessed(own_run, model, fresh_data):
    for judged in (own_run, model):
        refused(run("tl-eval", judged, "--data", fresh_data, "--split", "test", code=3),
                "no images in split test", fresh_data, "--split")
    (own_run / "contents.csv").unlink()
    done = run("tl-eval", own_run, "--data", fresh_data, "--json")
    assert "not known" in done.stderr and json.loads(done.stdout)["split"] == "all"


# --- tl-predict ------------------------------------------------------------------------------

def test_predict_as_csv_agrees_with_the_report(finished, data):
    rows = read_csv(finished[0] / "predictions.csv")
    done = run("tl-predict", finished[0], *[data / row["path"] for row in rows], "--format", "csv")
    predicted = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(predicted[0]) == ["path", "rank", "class", "confidence", "skipped"]
    for row, prediction in zip(rows, predicted, strict=True):
        assert prediction["path"] == str(data / row["path"]) and prediction["rank"] == "1"
        assert prediction["class"] == row["prediction"]
        assert float(prediction["confidence"]) == pytest.approx(float(row["confidence"]), abs=1e-5)


def test_predict_as_jsonl(finished, fresh_data):
    done = run("tl-predict", finished[0] / "model.pt", fresh_data, "--format", "jsonl", "--top",
               "2")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["path"] for row in rows] == sorted(str(file) for file in fresh_data.rglob("*.*"))
    for row in rows:
        first, second = row["predictions"]
        assert first["confidence"] >= second["confidence"] > 0 and first["class"] != second["class"]


def test_predict_as_a_table(finished, fresh_data):
    image = fresh_data / "red" / "00.jpg"
    lines = run("tl-predict", finished[0], image, "--top", "9").stdout.splitlines()
    assert lines[0] == str(image) and len(lines) == 4  # no more than there are classes
    assert {line.split()[1] for line in lines[1:]} == set(CLASSES)
    assert sum(float(line.split()[0]) for line in lines[1:]) == pytest.approx(1, abs=0.002)


def test_predict_as_one_object(finished, fresh_data):
    done = run("tl-predict", finished[0], fresh_data, "--json")
    assert len(json.loads(done.stdout)["images"]) == 15


def test_predict_with_names_from_a_file(backbone, fresh_data, names):
    done = run("tl-predict", backbone, fresh_data, "--classes", names, "--top", "4", "--json")
    first = json.loads(done.stdout)["images"][0]["predictions"]
    assert {entry["class"] for entry in first} == {*CLASSES, "yellow"}
    refused(run("tl-predict", backbone, fresh_data, code=4), "--classes")


def folder_of_all_kinds(tmp_path):
    """Images called otherwise, and what is no image."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    image = draw(tmp_path / "image.jpg", "red", 1).read_bytes()
    good = [folder / name for name in ("a.jfif", "b", "c.jpg_large", "d.mpo", "e.png")]
    for file in good:
        file.write_bytes(image)
    bad = {"bad.jpg": "no image", "f.gif": "GIF89a", "notes.txt": "text"}
    for name, text in bad.items():
        (folder / name).write_text(text)
    return folder, [str(file) for file in good], [str(folder / name) for name in bad]


def test_predict_takes_what_is_an_image_and_lists_the_rest(tmp_path, finished):
    folder, good, bad = folder_of_all_kinds(tmp_path)
    done = run("tl-predict", finished[0], folder, "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["path"] for row in rows] == good + bad
    assert [row["path"] for row in rows if row["predictions"]] == good
    assert [row["path"] for row in rows if row.get("skipped")] == bad
    assert all(f"skipped {path}: " in done.stderr for path in bad)
    assert "left out: 3 of 8 files" in done.stderr

    rows = list(csv.DictReader(io.StringIO(
        run("tl-predict", finished[0], folder, "--format", "csv").stdout)))
    assert [row["path"] for row in rows if row["rank"]] == good
    assert [row["path"] for row in rows if row["skipped"]] == bad

    result = json.loads(run("tl-predict", finished[0], folder, "--json").stdout)
    assert [image["path"] for image in result["images"]] == good
    assert [file["path"] for file in result["skipped"]] == bad
    assert all(file["reason"] for file in result["skipped"])


def test_predict_goes_on_behind_a_missing_path(tmp_path, finished):
    good = draw(tmp_path / "[old]" / "good.png", "red", 1)
    done = run("tl-predict", finished[0], tmp_path / "absent.png", good, "--json")
    result = json.loads(done.stdout)
    assert [image["path"] for image in result["images"]] == [str(good)]
    assert [file["path"] for file in result["skipped"]] == [str(tmp_path / "absent.png")]


def test_predict_takes_brackets_for_what_they_are(tmp_path, finished):
    draw(tmp_path / "[old]" / "good.png", "red", 1)
    draw(tmp_path / "[a,b].png", "red", 2)
    done = run("tl-predict", finished[0], "[old]", "[a,b].png", "--json", cwd=tmp_path)
    assert [Path(image["path"]) for image in json.loads(done.stdout)["images"]] == \
        [Path("[old]/good.png"), Path("[a,b].png")]


def test_predict_shows_no_terminal_commands(tmp_path, backbone, fresh_data):
    names = tmp_path / "names.txt"
    names.write_text("r\x1b[31med\ngr\u009b31meen\nblue\nyellow\n")
    done = run("tl-predict", backbone, fresh_data, "--classes", names, "--top", "4")
    assert not {"\x1b", "\u009b"} & set(done.stdout + done.stderr)
    assert "r?[31med" in done.stdout and "gr?31meen" in done.stdout


def test_a_class_file_may_come_from_anywhere_but_names_no_class_twice(tmp_path, backbone,
                                                                      fresh_data):
    names = tmp_path / "names.txt"
    names.write_bytes("\ufeffred\r\ngreen\r\nblue\r\nyellow\r\n".encode())
    done = run("tl-predict", backbone, fresh_data, "--classes", names, "--top", "4", "--json")
    first = json.loads(done.stdout)["images"][0]["predictions"]
    assert {entry["class"] for entry in first} == {"red", "green", "blue", "yellow"}
    names.write_text("red\ngreen\nred\nyellow\n")
    refused(run("tl-predict", backbone, fresh_data, "--classes", names, code=2), '"red"', "line 1",
            "line 3", names)


def test_predict_without_any_image(tmp_path, finished):
    refused(run("tl-predict", finished[0], tmp_path, code=3), "no image", tmp_path)
    (tmp_path / "bad.jpg").write_text("no image")
    done = run("tl-predict", finished[0], tmp_path / "bad.jpg", code=3)
    refused(done, "no image", "bad.jpg")
    assert "left out: 1 of 1 file" in done.stderr
    refused(run("tl-predict", finished[0], tmp_path / "absent.png", code=3), "absent.png")
    assert run("tl-predict", finished[0], code=2).stdout == ""
