"""Files that are no images, odd images, odd names, and files that change: skipped and listed, or
fatal, as configured; never a crash, never a wrong label."""

import json
import math
import os
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
import torch
from kit import (CLASSES, base_config, changed, command, draw, draw_data, export,
                 needs_permissions, read_csv, refuse, refused, run, train, write_config)
from PIL import Image
from torch import nn

COLOUR = (200, 30, 10)


# --- files that are skipped ------------------------------------------------------------------

def whole(folder, suffix, size=(64, 48)):
    """The bytes of an image of noise."""
    pixels = np.random.default_rng(size[0]).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"whole.{suffix}")
    return (folder / f"whole.{suffix}").read_bytes()


def patched(data, at, new):
    return data[:at] + new + data[at + len(new):]


def tiff_claiming(width, height):
    entries = struct.pack("<HHHII", 2, 256, 4, 1, width) + struct.pack("<HHII", 257, 4, 1, height)
    return b"II*\0" + struct.pack("<I", 8) + entries + bytes(100)


def claiming_too_much(folder):
    """Each says that it has 30,000 x 30,000 pixels, which would take 2.7 GB."""
    side = 30000
    jpeg, jp2 = whole(folder, "jpg"), whole(folder, "jp2")
    return {
        "huge.jpg": patched(jpeg, jpeg.index(b"\xff\xc0") + 5, struct.pack(">HH", side, side)),
        "huge.png": patched(whole(folder, "png"), 16, struct.pack(">II", side, side)),
        "huge.bmp": patched(whole(folder, "bmp"), 18, struct.pack("<II", side, side)),
        "huge.tif": tiff_claiming(side, side),
        "huge.ppm": b"P6\n# wide\n30000 30000 255\n" + bytes(100),
        "huge.jp2": patched(jp2, jp2.index(b"\xff\x4f\xff\x51") + 8,
                            struct.pack(">II", side, side)),
    }


def rubbish(folder):
    """Bytes and what is said of them, by file name."""
    folder.mkdir()
    files = {
        "empty.jpg": (b"", "is empty"),
        "text.jpg": (b"not a picture", "is no image"),
        "page.png": (b"<!doctype html><title>404</title>", "is a web page"),
        "animated.jpg": (whole(folder, "gif"), "is a GIF"),
        "zeros.jpg": (bytes(4096), "is no image"),
        "start.jpg": (b"\xff\xd8\xff", "is truncated"),
    }
    for suffix in ("jpg", "png"):
        files[f"cut.{suffix}"] = (whole(folder, suffix)[:-40], "is truncated")
    for suffix in ("bmp", "tif", "webp", "jp2", "ppm"):
        data = whole(folder, suffix)
        files[f"cut.{suffix}"] = (data[:len(data) // 2], "is no image")
    for suffix in ("jpg", "png", "bmp", "tif", "jp2", "ppm"):
        files[f"thin.{suffix}"] = (whole(folder, suffix, (30000, 2)), "is too thin: 30000 x 2")
    files["thin.webp"] = (whole(folder, "webp", (16000, 2)), "is too thin: 16000 x 2")
    for name, data in claiming_too_much(folder).items():
        files[name] = (data, "is too large: 30000 x 30000")
    return files


@pytest.fixture(scope="module")
def rubbish_files(tmp_path_factory):
    return rubbish(tmp_path_factory.mktemp("rubbish") / "made")


def test_rubbish_is_skipped_and_listed_with_its_reason(tmp_path, rubbish_files, backbone):
    root = draw_data(tmp_path / "data")
    for name, (data, _) in rubbish_files.items():
        (root / "red" / name).write_bytes(data)
    done = train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run", "--set",
                 "train.epochs=1")
    reasons = {row["path"]: row["reason"] for row in read_csv(tmp_path / "run" / "skipped.csv")}
    assert reasons.keys() == {f"red/{name}" for name in rubbish_files}
    for name, (_, words) in rubbish_files.items():
        assert words in reasons[f"red/{name}"], name
    assert len(read_csv(tmp_path / "run" / "split.csv")) == 36
    assert f"and {len(reasons) - 10} more (skipped.csv)" in done.stderr


@pytest.mark.parametrize("name", ["empty.jpg", "text.jpg", "animated.jpg", "cut.jpg", "cut.tif",
                                  "thin.ppm", "huge.png", "huge.tif"])
def test_rubbish_can_be_fatal(tmp_path, rubbish_files, backbone, name):
    root = draw_data(tmp_path / "data", counts=(8, 8, 0))
    data, words = rubbish_files[name]
    (root / "blue" / name).write_bytes(data)
    config = changed(base_config(root, backbone), data__on_bad_image="fail")
    refuse(tmp_path, config, 3, "bad image", words, root / "blue" / name, "data.on_bad_image")


def test_what_is_no_file_is_listed_and_never_waited_for(tmp_path):
    root = draw_data(tmp_path / "data")
    os.mkfifo(root / "red" / "pipe.jpg")
    (root / "red" / "gone.jpg").symlink_to(tmp_path / "absent.jpg")
    (root / "red" / "knot.jpg").symlink_to("knot.jpg")
    result = json.loads(run("tl-inspect", "--data", root, "--json").stdout)["data"]
    assert result["images"] == 36
    assert {entry["path"]: entry["reason"] for entry in result["skipped"]} == {
        f"red/{name}.jpg": "the file can't be read" for name in ("pipe", "gone", "knot")}


def damaged_tiff(folder, compression):
    """The bytes of a TIFF whose pixels are spoilt where they begin, behind its header."""
    pixels = np.random.default_rng(3).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "whole.tif", compression=compression)
    data = (folder / "whole.tif").read_bytes()
    return patched(data, 8, 200 * b"\xff")


def test_tiffs_that_do_not_decode_are_skipped_and_no_library_talks_past_the_log(tmp_path):
    root = draw_data(tmp_path / "data")
    bad = {f"{name}.tif": damaged_tiff(tmp_path, name)
           for name in ("tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "zstd", "lzma")}
    tag = struct.pack("<HHI", 259, 3, 1)
    plain = whole(tmp_path, "tif")
    for number in (34892, 33003, 34712, 50002, 12345):
        bad[f"coding {number}.tif"] = patched(plain, plain.index(tag) + 8,
                                              struct.pack("<H", number))
    Image.new("F", (30, 20), 0.5).save(tmp_path / "float.tif")
    bad["float.tif"] = (tmp_path / "float.tif").read_bytes()
    for suffix in ("png", "bmp", "webp", "jp2"):
        data = whole(tmp_path, suffix)
        bad[f"cut.{suffix}"] = data[:len(data) // 2]
    data = whole(tmp_path, "png")
    bad["damaged.png"] = patched(data, len(data) // 2, 100 * b"\xff")
    for name, data in bad.items():
        (root / "red" / name).write_bytes(data)
    done = run("tl-inspect", "--data", root, "--json")
    assert done.stderr == ""
    result = json.loads(done.stdout)["data"]
    reasons = {entry["path"]: entry["reason"] for entry in result["skipped"]}
    assert reasons.keys() == {f"red/{name}" for name in bad} and result["images"] == 36
    assert "of compression 34892, which is not supported" in reasons["red/coding 34892.tif"]
    assert "of floating-point numbers, which is not supported" in reasons["red/float.tif"]
    heard = run("tl-inspect", "--data", root, "--log-level", "debug").stderr
    assert "debug libtiff: " in heard and "debug libpng: " in heard and "debug OpenCV: " in heard


def test_a_jpeg_that_lacks_only_its_end_is_used_with_a_notice(tmp_path, backbone, finished):
    root = draw_data(tmp_path / "data")
    for name in ("00.jpg", "02.jpg"):
        file = root / "red" / name
        file.write_bytes(file.read_bytes()[:-2])
    done = train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run", "--set",
                 "train.epochs=1")
    assert "2 JPEGs lack their end mark and are used as they are" in done.stderr
    assert read_csv(tmp_path / "run" / "skipped.csv") == []
    assert "1 JPEG lacks its end mark" in run("tl-predict", finished[0],
                                              root / "red" / "00.jpg").stderr


def peak_memory(*arguments, **options):
    """Of a program; by a process of its own, since a child begins with its parent's peak."""
    measure = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
               "stdout=subprocess.DEVNULL); "
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    line = [str(part) for part in command(*arguments, **options)]
    return int(subprocess.run([sys.executable, "-c", measure, *line], capture_output=True,
                              text=True, check=True).stdout)


def test_large_images_wait_for_each_other(tmp_path):
    """Each has 432 MB of pixels."""
    root = draw_data(tmp_path / "data")
    Image.new("RGB", (12000, 12000), COLOUR).save(root / "red" / "large.png", compress_level=1)
    os.link(root / "red" / "large.png", root / "red" / "too.png")
    assert peak_memory("tl-inspect", "--data", root, threads=2) < 850_000  # kB


# --- images of every kind --------------------------------------------------------------------

class Strongest(nn.Module):
    """Its logits are the mean red, green and blue of an image, from 0 to 8."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(3, 3, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.eye(3)[:, :, None, None])
            self.fc.weight.copy_(8 * torch.eye(3))

    def forward(self, x):
        return self.fc(self.pool(self.conv(x)).flatten(1))


def deep_png(colour, size=(20, 16)):
    """16 bits a channel, which PIL does not write."""
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body +
                struct.pack(">I", zlib.crc32(kind + body)))
    row = b"\0" + struct.pack(">3H", *(257 * value for value in colour)) * size[0]
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 16, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(row * size[1])) + chunk(b"IEND", b""))


def draw_kinds(folder):
    """One colour in every kind of file; grey ones last. The names tell which is which."""
    folder.mkdir()
    plain = Image.new("RGB", (20, 16), COLOUR)
    for suffix in ("jpg", "png", "bmp", "tif", "webp", "jp2", "ppm"):
        plain.save(folder / f"plain.{suffix}")
        Image.new("RGB", (1, 1), COLOUR).save(folder / f"pixel.{suffix}")
    (folder / "deep.png").write_bytes(deep_png(COLOUR))
    palette = plain.quantize(4)
    for suffix in ("png", "bmp", "tif"):
        palette.save(folder / f"palette.{suffix}")
    palette.save(folder / "palette_clear.png", transparency=0)
    Image.new("RGBA", (20, 16), (*COLOUR, 0)).save(folder / "clear.png")
    Image.new("RGBA", (20, 16), (*COLOUR, 255)).save(folder / "opaque.tif")
    for suffix in ("jpg", "tif"):
        plain.convert("CMYK").save(folder / f"cmyk.{suffix}")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    plain.save(folder / "turned.jpg", exif=exif)
    plain.save(folder / "a_png_called.jpg", format="PNG")
    jpeg = (folder / "plain.jpg").read_bytes()
    (folder / "stray_bytes.jpg").write_bytes(jpeg[:-2] + b"abc" + jpeg[-2:])
    for suffix in ("jpg", "png", "tif"):
        Image.new("L", (20, 16), 90).save(folder / f"grey.{suffix}")
    Image.new("LA", (20, 16), (90, 128)).save(folder / "grey_alpha.png")
    Image.new("I;16", (20, 16), 90 * 257).save(folder / "grey_deep.png")
    Image.new("1", (20, 16), 1).save(folder / "grey_bits.png")
    return sorted(folder.iterdir())


def test_images_of_every_kind_keep_their_colours(tmp_path):
    model = export(Strongest().eval(), tmp_path / "strongest.pt")
    model.with_suffix(".json").write_text(
        json.dumps({"input_size": 32, "resize": 32, "mean": [0, 0, 0], "std": [1, 1, 1]}))
    (tmp_path / "names.txt").write_text("red\ngreen\nblue\n")
    files = draw_kinds(tmp_path / "images")
    done = run("tl-predict", model, tmp_path / "images", "--classes", tmp_path / "names.txt",
               "--top", "3", "--json")
    assert "JPEG data" not in done.stderr  # nor does any decoder talk past the log
    images = json.loads(done.stdout)["images"]
    assert [image["path"] for image in images] == [str(file) for file in files]
    for image in images:
        p = {guess["class"]: guess["confidence"] for guess in image["predictions"]}
        above_blue = [255 / 8 * math.log(p[name] / p["blue"]) for name in ("red", "green")]
        wanted = [0, 0] if "grey" in image["path"] else [COLOUR[0] - COLOUR[2],
                                                         COLOUR[1] - COLOUR[2]]
        assert above_blue == pytest.approx(wanted, abs=8), image["path"]


def test_images_of_every_kind_are_trained_on(tmp_path, backbone):
    root = draw_data(tmp_path / "data")
    kinds = draw_kinds(root / "odd")
    config = changed(base_config(root, backbone), train__epochs=2, augment__rotation=20,
                     augment__blur={"probability": 0.5}, augment__erase={"probability": 0.5})
    train(write_config(tmp_path, config), tmp_path / "run")
    rows = read_csv(tmp_path / "run" / "split.csv")
    assert sum(row["class"] == "odd" for row in rows) == len(kinds)


# --- names, links, permissions ---------------------------------------------------------------

def test_file_names_of_any_kind(tmp_path, backbone):
    root = draw_data(tmp_path / "data", counts=(8, 8, 0))
    names = ["a b.jpg", "line\nbreak.jpg", 'q"uote, comma.png', "Gänseblümchen.png", "-dash.jpg",
             "日本.png", "50% $HOME ;.jpg"]
    for i, name in enumerate(names):
        draw(root / "red" / name, "red", 500 + i)
    (root / "red" / "bad\nname.jpg").write_text("no image")
    folder = tmp_path / "run"
    done = train(write_config(tmp_path, base_config(root, backbone)), folder)
    assert "skipped red/bad?name.jpg: " in done.stderr
    assert [row["path"] for row in read_csv(folder / "skipped.csv")] == ["red/bad\nname.jpg"]
    rows = {row["path"]: row["class"] for row in read_csv(folder / "split.csv")}
    assert {path for path, label in rows.items() if label == "red"} == {
        f"red/{name}" for name in names}

    result = json.loads(run("tl-eval", folder, "--split", "all", "--output", tmp_path / "out",
                            "--json").stdout)
    assert result["n"] == len(rows)
    assert {row["path"]: row["label"] for row in read_csv(tmp_path / "out" / "predictions.csv")} \
        == rows
    predicted = json.loads(run("tl-predict", folder, root / "red", "--json").stdout)["images"]
    assert {image["path"] for image in predicted} == {str(root / "red" / name) for name in names}


def test_a_file_name_that_is_no_text(tmp_path, backbone):
    root = draw_data(tmp_path / "data")
    os.rename(root / "red" / "00.jpg", os.fsencode(root) + b"/red/caf\xe9.jpg")
    train(write_config(tmp_path, base_config(root, backbone)), tmp_path / "run")
    assert b"red/caf\xe9.jpg,red," in (tmp_path / "run" / "split.csv").read_bytes()
    done = run("tl-eval", tmp_path / "run", "--split", "all", "--output", tmp_path / "out",
               "--json")
    assert json.loads(done.stdout)["n"] == 36


def test_links_in_circles_are_no_images_and_no_classes(tmp_path):
    root = draw_data(tmp_path / "data")
    for link, target in [("here", "."), ("above", ".."), ("knot", "knot"), ("red/up", ".."),
                         ("red/here", "."), ("green/above", "../.."), ("red/deep", "../red")]:
        (root / link).symlink_to(target)
    result = json.loads(run("tl-inspect", "--data", root, "--json").stdout)["data"]
    assert [entry["name"] for entry in result["classes"]] == CLASSES
    assert result["images"] == 36 and result["skipped"] == []


def test_classes_that_link_to_each_other_share_their_images(tmp_path):
    root = draw_data(tmp_path / "data")
    (root / "red" / "there").symlink_to("../blue")
    (root / "blue" / "back").symlink_to("../red")
    result = json.loads(run("tl-inspect", "--data", root, "--json").stdout)["data"]
    assert result["images"] == 60  # red and blue have both, each folder once
    shared, = [fault for fault in result["faults"] if fault["kind"] == "in_two_classes"]
    assert shared["message"].startswith("24 images are ")


@needs_permissions
def test_a_file_without_permission_is_skipped(tmp_path):
    root = draw_data(tmp_path / "data")
    (root / "red" / "00.jpg").chmod(0)
    result = json.loads(run("tl-inspect", "--data", root, "--json").stdout)["data"]
    assert result["images"] == 35
    assert [entry["path"] for entry in result["skipped"]] == ["red/00.jpg"]


@needs_permissions
def test_a_file_that_cannot_be_read_stops_a_training(tmp_path, backbone):
    root = draw_data(tmp_path / "data")
    (root / "red" / "00.jpg").chmod(0)
    refuse(tmp_path, base_config(root, backbone), 3, "the file can't be read", root / "red" / "00.jpg",
           "permissions")


@needs_permissions
@pytest.mark.parametrize("folder", [".", "red"])
def test_a_folder_without_permission_is_refused(tmp_path, folder):
    root = draw_data(tmp_path / "data")
    (root / folder).chmod(0)
    try:
        refused(run("tl-inspect", "--data", root, code=3), "can't read the folder", root / folder)
    finally:
        (root / folder).chmod(0o755)


# --- files that go or change while a program runs --------------------------------------------

class LongRun:
    """A training that reads its images anew each epoch; in its second epoch when it is there."""

    def __init__(self, folder, backbone):
        self.root = draw_data(folder / "data")
        self.folder = folder / "run"
        config = changed(base_config(self.root, backbone), data__ram_gb=0, features__cache="off",
                         train__epochs=50000)
        self.config = write_config(folder, config)
        self.process = subprocess.Popen(
            command("tl-train", "--config", self.config, "--output", self.folder),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not (self.folder / "metrics.jsonl").exists():
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)

    def training_image(self):
        rows = read_csv(self.folder / "split.csv")
        return self.root / next(row["path"] for row in rows if row["split"] == "train")

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, out, err)


@pytest.fixture
def long_run(tmp_path, backbone):
    running = LongRun(tmp_path, backbone)
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.mark.parametrize("spoil, words", [
    (lambda file: file.unlink(), "can't be read"),
    (lambda file: file.write_bytes(b""), "was changed"),
    (lambda file: file.write_bytes(file.read_bytes()[:300]), "was changed"),
    (lambda file: draw(file, "red", 12345), "was changed"),
], ids=["deleted", "emptied", "cut", "another image"])
def test_an_image_spoilt_while_training(long_run, spoil, words):
    file = long_run.training_image()
    spoil(file)
    done = long_run.end()
    assert done.returncode == 3, done.stderr
    refused(done, words, file)
    assert not (long_run.folder / "model.pt").exists()


def test_an_image_deleted_between_two_parts_of_a_run(long_run):
    file = long_run.training_image()
    long_run.process.terminate()
    assert long_run.end().returncode == 75
    file.unlink()
    refused(train(long_run.config, long_run.folder, "--resume", code=3), "can't be read", file)


def test_an_image_changed_between_two_parts_of_a_run(long_run):
    file = long_run.training_image()
    long_run.process.terminate()
    assert long_run.end().returncode == 75
    draw(file, "red", 12345)
    refused(train(long_run.config, long_run.folder, "--resume", code=3), "images have changed",
            long_run.root, "--force")


def test_an_image_deleted_before_an_evaluation(tmp_path, config):
    root = draw_data(tmp_path / "data")
    train(write_config(tmp_path, changed(config, data__root=str(root), train__epochs=1)),
          tmp_path / "run")
    file = root / read_csv(tmp_path / "run" / "predictions.csv")[0]["path"]
    file.unlink()
    refused(run("tl-eval", tmp_path / "run", code=3), "can't be read", file)
