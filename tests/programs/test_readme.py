"""What README.md shows is so."""

import csv
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from kit import CLASSES, ROOT, draw, run
from PIL import Image

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def classify(tmp_path_factory):
    """The lines of README.md as a program: {class: probability}."""
    script = tmp_path_factory.mktemp("readme") / "classify.py"
    text, = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script.write_text(text)

    def answer(model, image):
        done = subprocess.run([sys.executable, script, model, image], capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return {name: float(p) for p, name in map(str.split, done.stdout.splitlines())}
    return answer


def photograph(file, size, turned=False, grey=False):
    """Noise that is smooth as a photograph is, and large enough to be decoded at a fraction."""
    noise = np.random.default_rng(5).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size, Image.BICUBIC)
    exif = image.getexif()
    if turned:
        exif[0x0112] = 6
    image.convert("L" if grey else "RGB").save(file, exif=exif)
    return file


@pytest.mark.parametrize("image", [
    lambda folder: draw(folder / "small.jpg", "red", 1),
    lambda folder: draw(folder / "small.png", "green", 2),
    lambda folder: photograph(folder / "large.jpg", (640, 480)),
    lambda folder: photograph(folder / "turned.jpg", (300, 200), turned=True),
    lambda folder: photograph(folder / "grey.jpg", (90, 61), grey=True),
], ids=["jpeg", "png", "large", "turned", "grey"])
def test_the_python_of_the_readme_gives_the_answer_of_tl_predict(tmp_path, finished, classify,
                                                                 image):
    file = image(tmp_path)
    rows = csv.DictReader(io.StringIO(
        run("tl-predict", finished[0], file, "--top", "3", "--format", "csv").stdout))
    expected = {row["class"]: float(row["confidence"]) for row in rows}
    answer = classify(finished[0] / "model.pt", file)
    assert set(answer) == set(expected) == set(CLASSES)
    assert list(answer.values()) == sorted(answer.values(), reverse=True)
    assert answer == pytest.approx(expected, abs=0.00051)  # three digits


def test_the_layers_that_the_readme_freezes_end_at_a_cut():
    backbone = ROOT / "models" / "efficientnet_lite0.pt"
    if not backbone.exists():
        pytest.skip("scripts/export_backbone efficientnet_lite0 was not called")
    number, = set(re.findall(r"backbone\.freeze=(\d+)", README))
    name, same_as = re.search(r"`(\S+)` is the\nsame as (\d+) here", README).groups()
    by_number, by_name = (
        json.loads(run("tl-inspect", backbone, "--freeze", freeze, "--json").stdout)
        for freeze in (number, name))
    assert number == same_as and by_number == by_name
    layers = by_number["layers"]
    assert layers[int(number) - 1]["cut"] and not layers[int(number)]["cut"]
    assert sum(layer["frozen"] for layer in layers) == int(number)
