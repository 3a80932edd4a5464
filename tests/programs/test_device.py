"""Training, evaluation and prediction on GPUs that tests/device imitates in the host's memory. There
a tensor on the wrong device, memory read by the wrong side and a copy that nobody waited for end the
program or make its numbers wrong."""

import json
import os
import subprocess

import pytest
import torch
from kit import (BIN, SANITIZED, changed, command, export, metrics_of, read_csv, run, same_run,
                 tiny_network, train, write_config)

GPU = BIN.parent / "lib" / "libimitated_gpu.so"
pytestmark = [pytest.mark.skipif(not GPU.exists(), reason="this LibTorch has real GPUs"),
              pytest.mark.skipif(SANITIZED, reason="a sanitizer wants to be loaded first")]


def on_gpu(program, *arguments, code=0, **variables):
    """Runs a program with imitated GPUs; variables as in tests/device."""
    environment = {"LD_PRELOAD": str(GPU),
                   **{f"TL_GPU_{name.upper()}": str(value) for name, value in variables.items()}}
    done = subprocess.run(command(program, *arguments), capture_output=True, text=True, timeout=120,
                          env={**os.environ, **environment})
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def train_on_gpu(config_file, output, *arguments, device="cuda", **variables):
    return on_gpu("tl-train", "--config", config_file, "--output", output, "--device", device,
                  *arguments, **variables)


def close(one, other):
    """The same epochs but for the last digits: the CPU's engine for frozen layers is another."""
    assert [epoch.keys() for epoch in one] == [epoch.keys() for epoch in other]
    for a, b in zip(one, other):
        assert a == pytest.approx(b, rel=1e-4)


# The head alone, some layers with norm statistics of their own, everything; kept and made anew.
CASES = {
    "head": {},
    "augmented": {"augment": {"flip": 0.5}, "features__cache": "off"},
    "layers": {"backbone__freeze": 2, "backbone__batch_norm": "train", "head": {"hidden": [8]}},
    "everything": {"backbone__freeze": "none", "train__optimizer": {"name": "sgd", "lr": 0.01}},
}


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
@pytest.mark.parametrize("case", CASES)
def test_training_has_the_losses_of_the_cpu(tmp_path, config, case, device):
    file = write_config(tmp_path, changed(config, head__dropout=0, train__epochs=2, **CASES[case]))
    train(file, tmp_path / "cpu")
    train_on_gpu(file, tmp_path / "gpu", device=device)
    close(metrics_of(tmp_path / "gpu"), metrics_of(tmp_path / "cpu"))


def test_bf16_trains(tmp_path, config):
    file = write_config(tmp_path, changed(config, backbone__freeze=1, features__precision="bf16",
                                          train__precision="bf16"))
    train_on_gpu(file, tmp_path / "run")


def test_evaluation_and_prediction_give_what_the_cpu_gives(tmp_path, finished, data):
    model = finished[0] / "model.pt"
    run("tl-eval", model, "--data", data, "--split", "all", "--output", tmp_path / "cpu")
    on_gpu("tl-eval", model, "--data", data, "--split", "all", "--output", tmp_path / "gpu",
           "--device", "cuda:1")
    ours, theirs = (read_csv(tmp_path / name / "predictions.csv") for name in ("gpu", "cpu"))
    assert [row["prediction"] for row in ours] == [row["prediction"] for row in theirs]
    assert ([float(row["confidence"]) for row in ours]
            == pytest.approx([float(row["confidence"]) for row in theirs], rel=1e-4))

    predict = ["tl-predict", model, data / "red", "--format", "csv"]
    assert (on_gpu(*predict, "--device", "cuda").stdout.splitlines()[1].split(",")[:2]
            == run(*predict).stdout.splitlines()[1].split(",")[:2])


def test_a_run_resumes_on_another_gpu(tmp_path, config):
    file = write_config(tmp_path, changed(config, backbone__freeze=1, head__dropout=0.3))
    train_on_gpu(file, tmp_path / "undisturbed")
    train_on_gpu(file, tmp_path / "run", "--set", "train.epochs=2")
    done = train_on_gpu(file, tmp_path / "run", "--resume", device="cuda:1")
    assert "warning" not in done.stderr
    same_run(tmp_path / "run", tmp_path / "undisturbed")


class Positions(torch.nn.Module):
    """Makes a tensor of its own, on the device of its input."""

    def __init__(self):
        super().__init__()
        self.network = tiny_network()

    def forward(self, x):
        return self.network(x + torch.arange(x.size(3), device=x.device) / 100)


@pytest.mark.parametrize("method", ["script", "trace"])
def test_features_of_one_gpu_are_those_of_another(tmp_path, config, method):
    network = export(Positions().eval(), tmp_path / "positions.pt", method)
    file = write_config(tmp_path, changed(config, backbone__file=str(network), features__views=2,
                                          features__folder=str(tmp_path / "features")))
    train_on_gpu(file, tmp_path / "first")
    done = train_on_gpu(file, tmp_path / "second", device="cuda:1")
    assert "features: 0 computed" in done.stderr
    same_run(tmp_path / "first", tmp_path / "second")


def test_a_gpu_that_is_short_of_memory_computes_fewer_images_at_once(tmp_path, config):
    file = write_config(tmp_path, config)
    train_on_gpu(file, tmp_path / "large")
    done = train_on_gpu(file, tmp_path / "small", megabytes=2,
                        *["--set", f"features.folder={json.dumps(str(tmp_path / 'features'))}"])
    assert "too little memory for more than" in done.stderr
    close(metrics_of(tmp_path / "small"), metrics_of(tmp_path / "large"))


def test_a_gpu_without_any_memory_ends_the_run_with_a_reason(tmp_path, config):
    done = train_on_gpu(write_config(tmp_path, config), tmp_path / "run", megabytes=0, code=5)
    assert "out of memory" in done.stderr


@pytest.mark.parametrize("capability, precision", [(7, "fp32"), (8, "bf16")])
def test_automatic_precision_is_what_the_gpu_is_fast_in(tmp_path, config, capability, precision):
    file = write_config(tmp_path, changed(config, train__epochs=1, features__precision="auto",
                                          train__precision="auto"))
    train_on_gpu(file, tmp_path / "run", device="cuda:1", capability=capability)
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["precision"] == {"features": precision, "train": precision}
    assert environment["device"] == "cuda"
    assert environment["cuda"] == {"deterministic": True, "tf32": False}


def test_a_gpu_that_is_not_there_is_refused(tmp_path, config):
    done = train_on_gpu(write_config(tmp_path, config), tmp_path / "run", device="cuda:5", code=2)
    assert "CUDA devices are 0 to 1" in done.stderr
