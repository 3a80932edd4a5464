"""A short run of the zoo: that it goes through, and that it sees what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ZOO = Path(__file__).resolve().parent / "zoo"
sys.path.insert(0, str(ZOO))
import exhibit  # noqa: E402
import visit  # noqa: E402


def zoo(*arguments):
    done = subprocess.run([sys.executable, str(ZOO), *arguments], capture_output=True, text=True,
                          env=os.environ)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_small_networks_pass_scripted_and_traced():
    code, rows = zoo("timm/test_efficientnet", "torchvision/squeezenet1_1")
    assert [row["method"] for row in rows] == ["script", "trace"] * 2
    assert all(row["outcome"] == "passes" for row in rows), rows
    assert code == 0


def test_what_takes_too_long_fails():
    code, rows = zoo("torchvision/squeezenet1_1", "--seconds", "0.1")
    assert [row["outcome"] for row in rows] == ["fails"] * 2
    assert [row["reason"] for row in rows] == ["takes longer than 0.1 s"] * 2
    assert code == 1


@pytest.fixture
def exported(tmp_path):
    """A network whose file is written, and its row."""
    network, _ = exhibit.build("timm/test_efficientnet")
    exhibit.write(network, "trace", 96, tmp_path / "network.pt")
    return network, {"side": 96, "parameters": sum(p.numel() for p in network.parameters())}


@pytest.mark.parametrize("layer", ["conv_stem", "classifier"])
def test_other_weights_than_the_files_are_found(layer, exported, tmp_path):
    network, row = exported
    with torch.no_grad():
        network.get_submodule(layer).weight[0] += 0.1
    with pytest.raises(visit.Finding, match="logits: off by"):
        visit.judge(network, row, tmp_path)


@pytest.mark.parametrize("what, said", [("fp32", "logits in training"), ("bf16", "logits in bf16"),
                                        ("whole", "exported network"), ("after", "after training")])
def test_other_results_are_found(what, said, exported, tmp_path, monkeypatch):
    def falsified(folder, probe=visit.probe):
        facts, results = probe(folder)
        results[what] = results[what] + results[what].std()
        return facts, results

    monkeypatch.setattr(visit, "probe", falsified)
    with pytest.raises(visit.Finding, match=said):
        visit.judge(*exported, tmp_path)
