"""tl-inspect, what all programs share, and the parameter counts of a network of the literature."""

import json
import sys

import pytest
import torch
from kit import (CLASSES, PROGRAMS, ROOT, changed, draw_data, refused, run, train, write_config)

# name, parameters, output: by hand from the network's definition
LAYERS = [("features.0.0", 216 + 16, [8, 16, 16]), ("features.1.0", 1152 + 32, [16, 8, 8]),
          ("features.2.0", 2304 + 32, [16, 8, 8]), ("fc", 64 + 4, [4])]


def test_the_layers_as_json(backbone):
    result = json.loads(run("tl-inspect", backbone, "--json").stdout)
    layers = result["layers"]
    assert [(x["name"], x["parameters"], x["output"]) for x in layers] == LAYERS
    assert [x["k"] for x in layers] == [1, 2, 3, 4]
    assert all(x["cut"] for x in layers)
    assert [x["classifier"] for x in layers] == [False] * 3 + [True]
    assert "conv 3x3" in layers[0]["kind"] and "batch_norm" in layers[0]["kind"]
    assert result["parameters"] == {"all": 3820, "trainable": 3820, "frozen": 0}
    assert result["input"]["input_size"] == 32 and result["outputs"] == 4


def test_the_table(backbone):
    done = run("tl-inspect", backbone)
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()[:1].isdigit()]
    assert [row[1] for row in rows] == [name for name, _, _ in LAYERS]
    assert "3,820 in all" in done.stdout and "32 x 32" in done.stdout and done.stderr == ""


@pytest.mark.parametrize("choice, k", [("0", 0), ("2", 2), ("features.1", 2), ("features.0.0", 1),
                                       ("features", 3), ("none", 0), ("all", 3)])
def test_a_choice_of_frozen_layers(backbone, choice, k):
    result = json.loads(run("tl-inspect", backbone, "--freeze", choice, "--json").stdout)
    assert [layer["frozen"] for layer in result["layers"]] == [i < k for i in range(4)]
    assert result["parameters"]["frozen"] == sum(count for _, count, _ in LAYERS[:k])
    assert result["parameters"]["all"] == 3820


@pytest.mark.parametrize("choice, words", [
    ("feature.1", ['no layer "feature.1"', "features.1"]),
    ("9", ["3 layers", "9"]),
    ("99999999999999999999", ["99999999999999999999"]),
    ("-1", ['"-1"']),
])
def test_a_choice_that_is_none(backbone, choice, words):
    refused(run("tl-inspect", backbone, f"--freeze={choice}", code=2), *words)


def test_what_can_not_be_inspected(tmp_path):
    (tmp_path / "text.pt").write_text("no network")
    refused(run("tl-inspect", tmp_path / "text.pt", code=4), "no TorchScript", "text.pt")
    refused(run("tl-inspect", tmp_path / "absent.pt", code=4), "no such file", "absent.pt")
    refused(run("tl-inspect", code=2), "nothing to inspect", "MODEL", "--data DIR")


# --- a data set ------------------------------------------------------------------------------

@pytest.fixture
def untidy(tmp_path):
    data = draw_data(tmp_path / "data", counts=(10, 20, 30))
    (data / "red" / "bad.jpg").write_text("no image")
    return data


def test_a_data_set(untidy):
    done = run("tl-inspect", "--data", untidy)
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.strip()}
    for name, count in zip(CLASSES, (10, 20, 30)):
        assert sum(map(int, rows[name])) == count and len(rows[name]) == 3
    assert "60 images" in done.stdout and "1 unusable file" in done.stdout
    assert "red/bad.jpg: the file " in done.stdout and done.stderr == ""


def test_a_data_set_as_json(untidy):
    result = json.loads(run("tl-inspect", "--data", untidy, "--json").stdout)["data"]
    assert [entry["name"] for entry in result["classes"]] == CLASSES
    counts = [entry["train"] + entry["val"] + entry["test"] for entry in result["classes"]]
    assert counts == [10, 20, 30]
    assert result["images"] == 60 and result["own_splits"] is False
    assert [entry["path"] for entry in result["skipped"]] == ["red/bad.jpg"]


def test_a_network_and_a_data_set(backbone, untidy):
    result = json.loads(run("tl-inspect", backbone, "--data", untidy, "--json").stdout)
    assert len(result["layers"]) == 4 and result["data"]["images"] == 60
    done = run("tl-inspect", backbone, "--data", untidy)
    assert "features.0.0" in done.stdout and "red/bad.jpg" in done.stdout


def test_a_data_set_that_is_none(tmp_path):
    refused(run("tl-inspect", "--data", tmp_path, code=3), "class folders", tmp_path)
    refused(run("tl-inspect", "--data", tmp_path / "absent", code=3), tmp_path / "absent")


# --- what all programs share -----------------------------------------------------------------

@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_version(program):
    done = run(program, "--help")
    assert done.stderr == "" and program in done.stdout
    for flag in ("--version", "--threads", "--log-level", "--progress", "--json"):
        assert flag in done.stdout
    assert "=info" in done.stdout and "=auto" in done.stdout  # the defaults
    version = run(program, "--version")
    assert version.stdout.strip().count(".") == 2 and version.stderr == ""


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("flags", [["--log-level", "loud"], ["--progress", "sometimes"]],
                         ids=lambda flags: flags[0])
def test_a_wrong_flag_is_a_usage_error(program, flags):
    done = run(program, *flags, code=2)
    assert done.stdout == "" and flags[0] in done.stderr


# --- VGG16 -----------------------------------------------------------------------------------

def test_vgg16_has_the_parameters_of_the_literature(tmp_path, config):
    """No top, all frozen, flattened to two classes."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from backbones import import_torchvision
        import_torchvision()
        from torchvision.models import vgg16
    except (ImportError, AttributeError):
        pytest.skip("torchvision is not installed")
    file = tmp_path / "vgg16.pt"
    network = vgg16(weights=None, init_weights=False).features.eval()
    torch.jit.save(torch.jit.script(network), str(file))
    file.with_suffix(".json").write_text('{"input_size": 224}')
    data = draw_data(tmp_path / "data", counts=(8, 8, 0))
    plan = changed(config, data__root=str(data), backbone__file=str(file), head__pool="flatten")
    done = train(write_config(tmp_path, plan), tmp_path / "run", "--dry-run")
    assert "14,764,866 in all, 50,178 trainable, 14,714,688 frozen" in done.stdout
    assert done.stdout.count(" frozen\n") == 13 + 1  # thirteen convolutions, and the totals
