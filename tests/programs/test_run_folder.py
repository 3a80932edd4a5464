"""What a training leaves behind, that it can be had again, and who may write where."""

import json
import shutil

import pytest
from kit import (CLASSES, ROOT, base_config, changed, draw_data, metrics_of, read_csv, refused, run,
                 same_run, tensors_of, train, write_config)

SCHEMA = json.loads((ROOT / "configs" / "experiment.schema.json").read_text())
FILES = {"config.json", "environment.json", "split.csv", "contents.csv", "skipped.csv",
         "faults.csv", "metrics.jsonl", "checkpoints", "model.pt", "report.json", "report.html", "confusion.csv",
         "predictions.csv"}


def read_json(file):
    return json.loads(file.read_text())


# --- every file of it ------------------------------------------------------------------------

def test_all_files_are_there_and_no_other(finished):
    folder, _ = finished
    assert {file.name for file in folder.iterdir()} == FILES
    checkpoints = {file.name for file in (folder / "checkpoints").iterdir()}
    assert checkpoints - {"best.previous.ckpt"} == {"last.ckpt", "last.previous.ckpt", "best.ckpt"}


def test_results_on_stdout_and_log_on_stderr(finished):
    folder, done = finished
    accuracy = read_json(folder / "report.json")["top1"]
    assert f"test: accuracy {accuracy:.4f}" in done.stdout
    assert str(folder / "model.pt") in done.stdout
    assert " 1/4 " in done.stderr and "epoch" not in done.stdout.replace("best epoch", "")
    for words in ("blue", "cpu (1 thread)", "51 trainable", "3,752 frozen"):
        assert words in done.stderr
    assert "\x1b" not in done.stderr  # no progress bar where stderr is no terminal


def test_config_json_is_whole(finished, config):
    resolved = read_json(finished[0] / "config.json")

    def compare(given, schema, place):
        assert given.keys() >= {key for key, inner in schema.items() if "default" in inner}, place
        for key, inner in schema.items():
            if isinstance(given.get(key), dict) and "properties" in inner:
                compare(given[key], inner["properties"], f"{place}.{key}")

    compare(resolved, SCHEMA["properties"], "")
    assert resolved["data"]["root"] == config["data"]["root"]
    assert resolved["train"]["epochs"] == config["train"]["epochs"]


def test_environment_json(finished, data, backbone):
    environment = read_json(finished[0] / "environment.json")
    assert {"tl", "torch", "opencv", "compiler", "device", "threads"} <= environment.keys()
    assert environment["threads"] == 1
    assert environment["backbone"]["file"] == str(backbone)
    assert environment["data"]["root"] == str(data) and environment["data"]["images"] == 36
    hashes = [value for part in ("backbone", "data") for key, value in environment[part].items()
              if key.startswith("xxh3")]
    assert len(hashes) == 2 and all(len(value) == 32 for value in hashes)


def test_split_csv_is_stratified(finished, data):
    rows = read_csv(finished[0] / "split.csv")
    assert list(rows[0]) == ["path", "class", "split"]
    files = {str(file.relative_to(data)) for file in data.glob("*/*")}
    assert {row["path"] for row in rows} == files
    for name in CLASSES:
        splits = [row["split"] for row in rows if row["class"] == name]
        assert [splits.count(split) for split in ("train", "val", "test")] == [6, 3, 3]
    assert all(row["path"].startswith(row["class"] + "/") for row in rows)


def test_skipped_csv_has_its_header(finished):
    assert (finished[0] / "skipped.csv").read_text().strip() == "path,reason"


def test_metrics_jsonl(finished, config):
    epochs = metrics_of(finished[0], without=())
    assert [epoch["epoch"] for epoch in epochs] == list(range(1, config["train"]["epochs"] + 1))
    for epoch in epochs:
        assert list(epoch) == ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy",
                               "lr", "seconds", "images_per_second"]
        assert 0 <= epoch["val_accuracy"] <= 1 and epoch["images_per_second"] > 0
        assert epoch["lr"] == config["train"]["optimizer"]["lr"]


def test_report_and_predictions_agree(finished):
    folder = finished[0]
    report, rows = read_json(folder / "report.json"), read_csv(folder / "predictions.csv")
    assert {"split", "n", "top1", "top1_ci95", "top5", "macro_f1", "nll", "ece"} <= report.keys()
    assert report["split"] == "test" and report["n"] == len(rows) == 9
    right = sum(row["label"] == row["prediction"] for row in rows)
    assert report["top1"] == pytest.approx(right / 9)
    assert report["top1_ci95"][0] <= report["top1"] <= report["top1_ci95"][1]
    assert [entry["name"] for entry in report["classes"]] == CLASSES
    for entry in report["classes"]:
        assert entry["support"] == 3
        hits = sum(row["label"] == row["prediction"] == entry["name"] for row in rows)
        assert entry["recall"] == pytest.approx(hits / 3)
    tested = {row["path"] for row in read_csv(folder / "split.csv") if row["split"] == "test"}
    assert {row["path"] for row in rows} == tested
    confusion = read_csv(folder / "confusion.csv")
    assert [row["label"] for row in confusion] == CLASSES
    assert sum(int(row[row["label"]]) for row in confusion) == right


def test_report_html_stands_alone(finished):
    html = (finished[0] / "report.html").read_text()
    assert html.startswith("<!doctype html>") or html.startswith("<!DOCTYPE html>")
    assert all(name in html for name in CLASSES)
    assert "http://" not in html.replace("http://www.w3.org/", "") and "https://" not in html


def test_no_test_split_judges_on_val(tmp_path, config):
    folder = tmp_path / "run"
    train(write_config(tmp_path, changed(config, data__test=0)), folder)
    assert read_json(folder / "report.json")["split"] == "val"


# --- the same again --------------------------------------------------------------------------

def test_the_resolved_config_gives_the_same_run(tmp_path, finished):
    train(finished[0] / "config.json", tmp_path / "again")
    same_run(finished[0], tmp_path / "again")
    assert (tmp_path / "again" / "config.json").read_bytes() == \
        (finished[0] / "config.json").read_bytes()


def test_the_number_of_workers_changes_nothing(tmp_path, finished):
    train(finished[0] / "config.json", tmp_path / "run", "--set", "data.workers=3")
    same_run(finished[0], tmp_path / "run")


def test_another_seed_is_another_run(tmp_path, finished):
    train(finished[0] / "config.json", tmp_path / "run", "--set", "train.seed=4")
    assert metrics_of(finished[0]) != metrics_of(tmp_path / "run")
    assert (finished[0] / "split.csv").read_text() != (tmp_path / "run" / "split.csv").read_text()


def test_a_moved_data_set_keeps_its_split(tmp_path, finished, data):
    shutil.copytree(data, tmp_path / "elsewhere")
    train(finished[0] / "config.json", tmp_path / "run", "--set", f"data.root={tmp_path}/elsewhere")
    same_run(finished[0], tmp_path / "run")


# --- an output folder that exists ------------------------------------------------------------

def test_a_run_is_never_overwritten(tmp_path, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    refused(train(folder / "config.json", folder, code=2), "run in the output folder", folder,
            "--resume", "--force")
    assert before == {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_force_replaces_a_run(tmp_path, finished, config):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    (folder / "left over.txt").write_text("of the old run")
    train(write_config(tmp_path, changed(config, train__epochs=1)), folder, "--force")
    assert len(metrics_of(folder)) == 1
    assert {file.name for file in folder.iterdir()} == FILES


def test_force_keeps_the_old_run_where_the_new_one_is_refused(tmp_path, finished, config):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    absent = changed(config, backbone__file=str(tmp_path / "absent.pt"))
    train(write_config(tmp_path, absent), folder, "--force", code=4)
    assert {file.name for file in folder.iterdir()} == FILES


def test_force_never_deletes_what_it_needs(tmp_path, finished, config):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    own = changed(config, backbone__file=str(folder / "model.pt"))
    refused(train(write_config(tmp_path, own), folder, "--force", code=2), "would delete",
            folder / "model.pt", "--output")
    assert {file.name for file in folder.iterdir()} == FILES


def test_force_never_deletes_its_own_config(tmp_path, finished, config):
    folder = shutil.copytree(finished[0], tmp_path / "run")
    inside = write_config(folder, config)
    refused(train(inside, folder, "--force", code=2), "would delete", inside, "--output")
    assert inside.exists() and (folder / "report.json").exists()


def test_resume_of_a_finished_run_says_so(tmp_path, finished):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    done = train(folder / "config.json", folder, "--resume")
    assert "finished already" in done.stderr and "test: accuracy" in done.stdout
    again = train(folder / "config.json", folder, "--resume", "--json")
    assert json.loads(again.stdout)["top1"] == read_json(folder / "report.json")["top1"]
    assert before == {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_resume_wants_the_same_config(tmp_path, finished):
    refused(train(finished[0] / "config.json", finished[0], "--resume", "--set",
                  "train.optimizer.lr=0.5", code=2), "another train.optimizer.lr", finished[0])


def test_resume_of_nothing_begins(tmp_path, config, finished):
    train(write_config(tmp_path, config), tmp_path / "run", "--resume")
    same_run(finished[0], tmp_path / "run")


def test_an_empty_folder_is_taken(tmp_path, config):
    (tmp_path / "run").mkdir()
    train(write_config(tmp_path, changed(config, train__epochs=1)), tmp_path / "run")
    assert {file.name for file in (tmp_path / "run").iterdir()} == FILES


def test_the_working_directory_as_output(tmp_path, config):
    """It is emptied and not made anew, so that whoever stands in it sees the files."""
    (tmp_path / "here").mkdir()
    before = (tmp_path / "here").stat().st_ino
    file = write_config(tmp_path, changed(config, train__epochs=1))
    for flags in ([], ["--force"]):
        train(file, "./", *flags, cwd=tmp_path / "here")
        assert {file.name for file in (tmp_path / "here").iterdir()} == FILES
    assert (tmp_path / "here").stat().st_ino == before
    assert "<title>here" in (tmp_path / "here" / "report.html").read_text()


def test_the_default_output_is_runs_and_the_name_of_the_config(tmp_path, config):
    file = write_config(tmp_path, changed(config, train__epochs=1), "flowers.json")
    run("tl-train", "--config", file, cwd=tmp_path)
    assert (tmp_path / "runs" / "flowers" / "model.pt").exists()


def test_class_names_of_any_kind(tmp_path, backbone):
    """Commas, quotes, spaces and letters beyond ASCII survive in every file."""
    root = draw_data(tmp_path / "data", counts=(8, 8, 8))
    names = ['a "b", c', "Gänseblümchen", "x y"]
    for old, new in zip(CLASSES, names):
        (root / old).rename(root / new)
    train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run")
    assert {row["class"] for row in read_csv(tmp_path / "run" / "split.csv")} == set(names)
    predicted = read_csv(tmp_path / "run" / "predictions.csv")
    assert {row["label"] for row in predicted} == set(names)
    assert tensors_of(tmp_path / "run" / "model.pt")


def test_own_splits_are_kept(tmp_path, backbone):
    for seed, split in enumerate(("train", "val", "test")):
        draw_data(tmp_path / "data" / split, counts=(4, 4, 4), seed=seed)
    train(write_config(tmp_path, base_config(tmp_path / "data", backbone)), tmp_path / "run")
    rows = read_csv(tmp_path / "run" / "split.csv")
    assert len(rows) == 36 and all(row["path"].startswith(row["split"] + "/") for row in rows)
