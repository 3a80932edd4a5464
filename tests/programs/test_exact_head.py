"""The head as logistic regression: against scikit-learn, in its choices, and where it has no place."""

import json

import numpy as np
import pytest
import torch
from kit import changed, draw, export, write_config, read_csv, refused, run, tiny_network, train
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from stopping import kill

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


@pytest.fixture(scope="module")
def square_data(tmp_path_factory):
    """Images of the network's own size, as PNG: nothing is resized, so pixels are what they are."""
    root = tmp_path_factory.mktemp("data") / "squares"
    for label, name in enumerate(("blue", "green", "red")):
        for i in range(24):
            random = np.random.default_rng(100 * label + i)
            pixels = random.integers(0, 200, (37, 37, 3))
            pixels[..., label] += random.integers(0, 30)
            file = root / name / f"{i:02}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(file)
    return root


def exact(config, **changes):
    return changed(config, head={"fit": "exact", **changes})


def chosen(folder):
    head = json.loads((folder / "exact_head.json").read_text())
    return head["tried"][head["chosen"]]


def images_of(root, rows):
    """As evaluation sees images of 37 x 37 for an input of 32: the centre alone."""
    stack = []
    for row in rows:
        pixels = np.asarray(Image.open(root / row["path"]).convert("RGB"), dtype=np.float32)
        stack.append(torch.from_numpy(pixels[2:34, 2:34].copy()).permute(2, 0, 1) / 255)
    return torch.stack(stack)


def pooled(network, images, depths):
    """The last `depths` of the network's four places, side by side."""
    with torch.no_grad():
        x, places = (images - MEAN) / STD, []
        for part in network.features:
            x = part(x)
            places.append(x.mean((2, 3)))
    return torch.cat(places[-depths:], 1).double().numpy()


def assert_probabilities_are_scikit_learns(folder, root, class_weights=(1, 1, 1)):
    """Those of the test images, with the penalty and the depths that the run chose."""
    split = read_csv(folder / "split.csv")
    rows = {part: [row for row in split if row["split"] == part] for part in ("train", "test")}
    best = chosen(folder)
    depths = {16: 1, 32: 2, 40: 3}[best["features"]]
    x, test = (pooled(tiny_network(), images_of(root, rows[part]), depths)
               for part in ("train", "test"))
    weight_of = dict(zip(("blue", "green", "red"), class_weights))
    labels = [row["class"] for row in rows["train"]]
    scale = StandardScaler().fit(x)
    reference = LogisticRegression(C=1 / (len(x) * best["best"]["penalty"]), tol=1e-10,
                                   max_iter=10000)
    reference.fit(scale.transform(x), labels, [weight_of[label] for label in labels])
    expected = {row["path"]: p for row, p in
                zip(rows["test"], reference.predict_proba(scale.transform(test)))}
    for row in read_csv(folder / "predictions.csv"):
        p = [float(row[name]) for name in ("p_blue", "p_green", "p_red")]
        np.testing.assert_allclose(p, expected[row["path"]], atol=1e-4)


@pytest.mark.parametrize("inputs", ["last", "depths", "auto"])
def test_probabilities_are_scikit_learns(tmp_path, config, square_data, inputs):
    file = write_config(tmp_path, changed(exact(config, inputs=inputs), data__root=str(square_data)))
    train(file, tmp_path / "run")
    assert_probabilities_are_scikit_learns(tmp_path / "run", square_data)


def test_what_is_written_and_said(tmp_path, config):
    done = train(write_config(tmp_path, exact(config, inputs="auto")), tmp_path / "run")
    metrics = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [epoch["epoch"] for epoch in metrics] == [0]
    assert "exact head: val accuracy" in done.stdout
    assert "5-fold cross-validation" in done.stderr and "chosen" in done.stderr
    head = json.loads((tmp_path / "run/exact_head.json").read_text())
    losses = [choice["best"]["log_loss"] for choice in head["tried"]]
    assert [choice["features"] for choice in head["tried"]] == [16, 40]
    assert head["tried"][1]["layers"] == ["features.0.0", "features.1.0", "features.2.0"]
    assert losses[head["chosen"]] == min(losses)


def test_a_model_holds_what_its_head_uses(tmp_path, config):
    """Named depths alone, and of the choice what was chosen: the rest is not in the file."""
    names = {}
    for inputs in ("last", ["features.0"], ["features.0", "features.2"]):
        file = write_config(tmp_path, exact(config, inputs=inputs))
        train(file, tmp_path / "run", "--force")
        model = torch.jit.load(str(tmp_path / "run/model.pt"))
        names[str(inputs)] = {name: tuple(p.shape) for name, p in model.named_parameters()}
        with torch.no_grad():
            assert model(torch.rand(2, 3, 32, 32)).shape == (2, 3)
    assert names["last"]["head.0.weight"] == (3, 16)
    assert names["['features.0']"]["head.0.weight"] == (3, 8)
    assert not any("features.1" in name for name in names["['features.0']"])
    assert names["['features.0', 'features.2']"]["head.0.weight"] == (3, 24)


@pytest.mark.parametrize("moment, flag", [
    ("config.json", "--resume"), ("exact_head.json", "--resume"),
    ("checkpoints/last.ckpt", "--resume"), ("checkpoints/last.ckpt", "--finish")])
def test_killed_and_resumed(tmp_path, config, moment, flag):
    file = write_config(tmp_path, exact(config, inputs="auto"))
    train(file, tmp_path / "undisturbed")
    kill(file, tmp_path / "run", lambda folder: (folder / moment).exists())
    train(file, tmp_path / "run", flag)
    for name in ("predictions.csv", "exact_head.json"):
        assert (tmp_path / "run" / name).read_text() == (tmp_path / "undisturbed" / name).read_text()
    again = train(file, tmp_path / "run", "--resume")
    assert "finished already" in again.stderr


def test_views_are_learnt_from(tmp_path, config):
    file = write_config(tmp_path, changed(exact(config), features__views=3))
    done = train(file, tmp_path / "run")
    images = json.loads((tmp_path / "run/exact_head.json").read_text())
    assert images["rows"] == 4 * images["images"]
    assert f"{images['rows']} rows of {images['images']} images" in done.stderr


def test_rare_classes_count_more(tmp_path, config, square_data):
    weights = [0.5, 3.0, 1.0]
    file = write_config(tmp_path, changed(exact(config), data__root=str(square_data),
                                          train__loss={"class_weights": weights}))
    train(file, tmp_path / "run")
    assert_probabilities_are_scikit_learns(tmp_path / "run", square_data, weights)


def test_refit_learns_from_val_too(tmp_path, config):
    heads = []
    for refit in (False, True):
        train(write_config(tmp_path, exact(config, refit=refit)), tmp_path / "run", "--force")
        heads.append(torch.jit.load(str(tmp_path / "run/model.pt")).state_dict()["head.0.weight"])
    assert not torch.allclose(*heads)


def test_copies_stay_in_one_fold(tmp_path, backbone, config):
    """Noise of which each image is there five times, in other sizes and compressions: a head that
    met the copies of what it is judged by would think that it has learnt something."""
    root = tmp_path / "data"
    for i in range(24):
        file = draw(root / ("red", "green")[i % 2] / f"{i:02}.png", "red", i)
        image = Image.open(file)
        for copy in range(1, 5):
            size = (image.width + 4 * copy, image.height + 4 * copy)
            image.resize(size).save(file.with_name(f"{i:02}_{copy}.jpg"), quality=60 + 5 * copy)
    network = export(tiny_network(), tmp_path / "tiny.pt")
    train(write_config(tmp_path, changed(exact(config), data__root=str(root),
                                         backbone__file=str(network))), tmp_path / "run")
    assert chosen(tmp_path / "run")["best"]["log_loss"] > 0.6  # ln 2 is a guess


@pytest.mark.parametrize("changes, words", [
    ({"head": {"fit": "exact", "hidden": [4]}}, ["head.hidden", "[4]"]),
    ({"head": {"fit": "exact", "dropout": 0.5}}, ["head.dropout", "0.5"]),
    ({"head": {"fit": "exact"}, "train__loss": {"label_smoothing": 0.1}}, ["label_smoothing"]),
    ({"head": {"fit": "exact"}, "backbone__freeze": 2}, ["head.fit", "not frozen"]),
    ({"head": {"inputs": "auto"}}, ["head.inputs", "exact"]),
    ({"head": {"refit": True}}, ["head.refit"]),
    ({"head": {"fit": "exact", "refit": True}, "data__test": 0}, ["head.refit", "no test images"]),
    ({"head": {"inputs": ["features.9"]}}, ["head.inputs", "features.9", "did you mean"]),
    ({"head": {"inputs": ["features.1", "features.1.0"]}}, ["head.inputs", "once"]),
    ({"head": {"inputs": []}}, ["head.inputs"]),
])
def test_where_it_has_no_place(tmp_path, config, changes, words):
    done = train(write_config(tmp_path, changed(config, **changes)), tmp_path / "run", code=2)
    refused(done, *words)
    assert not (tmp_path / "run").exists()


def test_depths_of_a_gradient_head(tmp_path, config):
    train(write_config(tmp_path, changed(config, head={"inputs": "depths"})), tmp_path / "run")
    weights = torch.jit.load(str(tmp_path / "run/model.pt")).state_dict()
    assert weights["head.0.weight"].shape == (3, 40)
    run("tl-eval", tmp_path / "run")


def test_features_without_sense(tmp_path, config):
    network = tiny_network()
    with torch.no_grad():
        network.features[2][1].weight.zero_()
        network.features[2][1].bias.zero_()
    file = export(network, tmp_path / "dull.pt")
    done = train(write_config(tmp_path, changed(exact(config), backbone__file=str(file))),
                 tmp_path / "run", code=5)
    refused(done, "the same features for every image")


def test_one_image_a_class(tmp_path, config):
    root = tmp_path / "data"
    for split in ("train", "val"):
        for i, name in enumerate(("green", "red")):
            draw(root / split / name / "0.png", name, 10 + i + len(split))
    done = train(write_config(tmp_path, changed(exact(config), data__root=str(root))), tmp_path / "run")
    assert "no class has two images" in done.stderr
